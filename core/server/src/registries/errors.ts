import { defineError } from '@stackyard/kernel';

type Of = { readonly registry: string };

export class RegistryNotFoundError extends defineError(
  'REGISTRY_NOT_FOUND',
  'No such registry',
  ({ registry, known }: Of & { known: readonly string[] }) =>
    known.length === 0
      ? `There is no registry ${registry}: the server names none. Add it to "registries" in the settings of the server, or install from a file.`
      : `There is no registry ${registry}. The server names: ${known.join(', ')}.`,
) {}

export class NoRegistryError extends defineError(
  'REGISTRY_NONE',
  'No registry serves this stack',
  ({ stack, known }: { stack: string; known: readonly string[] }) =>
    known.length === 0
      ? `${stack} cannot be looked up: the server names no registry. Add one to "registries" in its settings, or install from a file.`
      : `${stack} cannot be looked up: ${known.join(', ')} serve other scopes. Add a registry for it to "registries" in the settings of the server.`,
) {}

/** A scope that is somebody's own is never asked for anywhere else: a public package of that name is another one. */
export class RegistryScopeError extends defineError(
  'REGISTRY_SCOPE',
  'This registry does not serve this scope',
  ({ stack, registry, serving }: Of & { stack: string; serving: string | undefined }) =>
    serving === undefined
      ? `${stack} is not of a scope that the registry ${registry} is named for. Add the scope in the settings of the server.`
      : `${stack} comes from the registry ${serving} only, which is named for its scope. Leave --registry out.`,
) {}

export class RegistryUnreachableError extends defineError(
  'REGISTRY_UNREACHABLE',
  'The registry cannot be reached',
  ({ registry, url, reason }: Of & { url: string; reason: string }) =>
    `The registry ${registry} at ${url} cannot be reached (${reason}). Check the network and proxy of the server, or carry the stack over by "stackyard bundle create".`,
) {}

export class RegistryAccessError extends defineError(
  'REGISTRY_ACCESS',
  'The registry does not let the server in',
  ({ registry, status, hasToken }: Of & { status: number; hasToken: boolean }) =>
    hasToken
      ? `The registry ${registry} answers ${status}: the token that the server has for it is not accepted. Set a valid one in "registries" of its settings.`
      : `The registry ${registry} answers ${status}: it wants a token. Set "token" or "tokenFile" in "registries" of the settings of the server.`,
) {}

export class RegistryAnswerError extends defineError(
  'REGISTRY_ANSWER',
  'The registry answers with something else',
  ({ registry, reason }: Of & { reason: string }) =>
    `The registry ${registry} ${reason}. Check that its url in the settings of the server is that of an npm registry.`,
) {}

export class RegistryTooLargeError extends defineError(
  'REGISTRY_TOO_LARGE',
  'What the registry sends is too large',
  ({ registry, what, limit }: Of & { what: string; limit: number }) =>
    `The registry ${registry} sends more than ${limit} bytes as ${what}, which no stack needs.`,
) {}

export class RegistryStackNotFoundError extends defineError(
  'REGISTRY_STACK_NOT_FOUND',
  'The registry has no such stack',
  ({ stack, registry }: Of & { stack: string }) =>
    `The registry ${registry} has no ${stack}, or does not show it to this server. "stackyard stack search" shows what it has.`,
) {}

export class RegistryVersionNotFoundError extends defineError(
  'REGISTRY_VERSION_NOT_FOUND',
  'The registry has no such version',
  ({ stack, wanted, newest }: { stack: string; wanted: string; newest: readonly string[] }) =>
    newest.length === 0
      ? `${stack} has no version at all any more.`
      : `${stack} has no version ${wanted}. The newest are ${newest.join(', ')}; "stackyard stack versions ${stack}" shows all.`,
) {}

export class RegistryIntegrityError extends defineError(
  'REGISTRY_INTEGRITY',
  'The package is not what the registry says it is',
  ({ stack, registry, reason }: Of & { stack: string; reason: string }) =>
    `${stack} from the registry ${registry} is refused: ${reason}. Nothing of it was read. Publish it again, or ask whoever runs the registry.`,
) {}

export class RegistryInsecureError extends defineError(
  'REGISTRY_INSECURE',
  'The address is not one that is asked',
  ({ registry, url, reason }: Of & { url: string; reason: string }) =>
    `The registry ${registry} sends to ${url}, ${reason}. Name the host under "hosts" of this registry in the settings of the server if that is right.`,
) {}

export class StackPackageError extends defineError(
  'STACK_PACKAGE',
  'This is no package of a stack',
  ({ package: name, reason }: { package: string; reason: string }) => `${name} cannot be installed: ${reason}.`,
) {}

export class StackPackageEmptyError extends defineError(
  'STACK_PACKAGE_EMPTY',
  'The package has no artifact',
  ({ package: name }: { package: string }) =>
    `${name} holds no artifact (dist/stack/*.tgz). Its author has to build it before it is published: "stackyard stack build", or a "prepack" script that does.`,
) {}
