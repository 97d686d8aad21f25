import { posix } from 'node:path';
import type { Self } from './manifest/inputs.ts';
import { PathError } from './render/errors.ts';

/** Who a path belongs to: a component of a service under the root of a host. */
export type PathOwner = Pick<Self, 'root' | 'service' | 'component'>;

const NAME = /^[a-z][a-z0-9_-]{0,62}$/;
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/**
 * An absolute path as it lies under the root of a host: `/data` under `/srv/h1` is `/srv/h1/data`.
 * @throws PathError for a relative path, a `..` segment or a NUL.
 */
export function hostPath(root: string, absolute: string): string {
  for (const path of [root, absolute]) {
    if (!path.startsWith('/')) throw new PathError(path, 'it must be absolute');
    if (path.split('/').includes('..')) throw new PathError(path, 'it must not contain ".."');
    if (path.includes('\0')) throw new PathError(path, 'it must not contain NUL');
  }
  const joined = posix.join(root, absolute);
  return joined.length > 1 && joined.endsWith('/') ? joined.slice(0, -1) : joined;
}

/** Where the rendered configs of a host component lie. */
export function configDir(self: PathOwner): string {
  return hostPath(self.root, `/etc/stackyard/${segment(self.service, NAME)}/${segment(self.component, NAME)}`);
}

/** Where a host component may write logs of its own; its output is kept by the agent. */
export function logDir(self: PathOwner): string {
  return hostPath(self.root, `/var/log/stackyard/${segment(self.service, NAME)}/${segment(self.component, NAME)}`);
}

/** Where a product's archive is unpacked: once per host, whichever components use it. */
export function packageDir(root: string, name: string, version: string): string {
  return hostPath(root, `/opt/stackyard/${segment(name, NAME)}-${segment(version, VERSION)}`);
}

/** What the platform itself keeps of a host component: pid files, markers, process output. */
export function componentDir(root: string, hostComponentId: string): string {
  return hostPath(root, `/var/lib/stackyard/components/${segment(hostComponentId, ID)}`);
}

function segment(text: string, allowed: RegExp): string {
  if (!allowed.test(text) || text === '..') throw new PathError(text, 'it cannot be a part of a path');
  return text;
}
