/** An npm registry that the operator has named; nothing else is ever asked. */
export interface RegistrySettings {
  readonly name: string;
  /** https, or http where `insecure` says so. */
  readonly url: string;
  /** `@acme`: packages of these scopes come from here and from nowhere else. None: everything that no other is named for. */
  readonly scopes: readonly string[];
  readonly token?: string | undefined;
  /** Holds the token; read whenever it is needed, so that it can be replaced. */
  readonly tokenFile?: string | undefined;
  /** Allows http, for a registry on this machine or in a network of one's own. */
  readonly insecure: boolean;
  /** Other hosts (`name` or `name:port`) that its tarballs may lie on. */
  readonly hosts: readonly string[];
}

/** The registry that a package comes from: the one named for its scope, else the first that is named for none. */
export function registryFor(registries: readonly RegistrySettings[], stack: string): RegistrySettings | undefined {
  return servingScope(registries, stack) ?? registries.find(({ scopes }) => scopes.length === 0);
}

export function servingScope(registries: readonly RegistrySettings[], stack: string): RegistrySettings | undefined {
  const scope = stack.startsWith('@') ? stack.slice(0, stack.indexOf('/')) : undefined;
  return registries.find(({ scopes }) => scope !== undefined && scopes.includes(scope));
}

/** Whether the server may send a request to this address on behalf of this registry; a sentence's end when not. */
export function addressFault({ url, insecure, hosts }: RegistrySettings, asked: URL): string | undefined {
  const own = new URL(url);
  const isOwn = asked.host === own.host;
  if (!isOwn && !hosts.includes(asked.host)) return 'which is another host';
  if (asked.username !== '' || asked.password !== '') return 'which has a login in it';
  if (asked.protocol === 'https:') return undefined;
  if (asked.protocol === 'http:' && insecure) return undefined;
  return `which is ${asked.protocol} and not https`;
}
