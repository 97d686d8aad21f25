import type { ServiceManifest } from '@stackyard/sdk/manifest';
import { coerce, compareBuild, satisfies, valid } from 'semver';
import type { Addition } from '../command.ts';
import { listed, suggestion } from '../sentences.ts';
import type { ServiceState } from '../state.ts';
import type { Draft } from './draft.ts';

export interface ResolvedStack {
  readonly stack: ServiceState['stack'];
  readonly manifest: ServiceManifest;
}

/** The stack that offers a service: the newest version of the only one, unless the request says more. */
export function resolveStack(draft: Draft, addition: Addition, base: string): ResolvedStack | undefined {
  const { stacks } = draft.state;
  const named = stacks.filter(({ name }) => addition.stack === undefined || name === addition.stack);
  if (named.length === 0 && addition.stack !== undefined) {
    const known = [...new Set(stacks.map(({ name }) => name))];
    const message = `There is no stack ${addition.stack}${suggestion(addition.stack, known)} Install it first.`;
    draft.problems.refuse('STACK_UNKNOWN', message, `${base}/stack`);
    return undefined;
  }
  const versions = named.filter(({ version }) => addition.version === undefined || version === addition.version);
  if (versions.length === 0 && addition.version !== undefined) {
    const known = listed(named.map(({ name, version }) => `${name} ${version}`));
    const message = `No installed stack has version ${addition.version}; there is ${known || 'none'}. Name one of these.`;
    draft.problems.refuse('STACK_UNKNOWN', message, `${base}/version`);
    return undefined;
  }
  const offers = versions.filter(({ services }) => services.some(({ name }) => name === addition.service));
  const names = [...new Set(offers.map(({ name }) => name))];
  if (names.length === 0) {
    const known = [...new Set(versions.flatMap(({ services }) => services.map(({ name }) => name)))];
    const start =
      addition.stack === undefined
        ? 'No installed stack offers a service'
        : `Stack ${addition.stack} offers no service`;
    const message = `${start} ${addition.service}${suggestion(addition.service, known)}`;
    draft.problems.refuse('SERVICE_UNKNOWN', message, `${base}/service`);
    return undefined;
  }
  if (names.length > 1) {
    const message = `Service ${addition.service} is offered by ${listed(names)}. Say which one by "stack".`;
    draft.problems.refuse('STACK_AMBIGUOUS', message, `${base}/service`);
    return undefined;
  }
  const [newest] = offers.toSorted((a, b) => compareVersions(b.version, a.version));
  const manifest = newest?.services.find(({ name }) => name === addition.service);
  if (!newest || !manifest) return undefined;
  return { stack: { name: newest.name, version: newest.version, digest: newest.digest }, manifest };
}

export function compareVersions(a: string, b: string): number {
  return valid(a) && valid(b) ? compareBuild(a, b) : a.localeCompare(b);
}

/** Products number as they like: 3.4.2.1 counts as 3.4.2 where it is no semver. */
export function inRange(version: string, range: string): boolean {
  const plain = valid(version) ?? coerce(version)?.version;
  return plain !== undefined && satisfies(plain, range, { includePrerelease: true });
}
