import { PreconditionFailedError, PreconditionRequiredError } from './errors.ts';

/** A strong ETag of a thing with a version that only grows. */
export function etagOf(kind: string, version: number): string {
  return `"${kind}-${version}"`;
}

/**
 * Lets a change through only when its author saw the newest version.
 *
 * @throws PreconditionRequiredError without If-Match, PreconditionFailedError when it is stale.
 */
export function requireMatch(header: string | string[] | undefined, what: string, current: string): void {
  if (header === undefined) throw new PreconditionRequiredError({ what });
  const given = (Array.isArray(header) ? header.join(',') : header).split(',').map((tag) => tag.trim());
  if (!given.includes(current)) throw new PreconditionFailedError({ what, current });
}
