import type { Admitted, EntryGate } from './entryGate.ts';

type Link = Extract<Admitted, { kind: 'link' }>;

/** Longest chain of links to links, such as libx.so → libx.so.1 → libx.so.1.2. */
const HOPS = 8;

/**
 * Why a symbolic link may not be made, or undefined. Allowed is a relative one whose `..` stand in front, that passes
 * through real folders of the package only, and that ends at something the package contains. A chain of links can
 * therefore not lead anywhere that its text does not show.
 *
 * @param root the folder of the archive that becomes the package, '' for all of it.
 */
export function linkRefusal(
  link: Link,
  root: string,
  gate: EntryGate,
  links: ReadonlyMap<string, Link>,
): string | undefined {
  let current = link;
  for (let hop = 0; hop < HOPS; hop += 1) {
    const resolved = resolve(current, root);
    if (resolved === undefined) return `is a symbolic link out of the package (${JSON.stringify(link.target)})`;
    const folders = resolved.split('/').slice(0, -1);
    const through = folders.map((_, index) => folders.slice(0, index + 1).join('/'));
    if (through.some((folder) => gate.kindOf(folder) !== 'folder'))
      return `is a symbolic link through something that is no folder (${JSON.stringify(link.target)})`;
    const kind = gate.kindOf(resolved);
    if (kind === undefined) return `is a symbolic link to nothing (${JSON.stringify(link.target)})`;
    const next = links.get(resolved);
    if (kind !== 'link' || !next) return undefined;
    current = next;
  }
  return 'is a symbolic link in a circle';
}

function resolve({ path, target }: Link, root: string): string | undefined {
  if (!/^(\.\.\/)*[^/]/.test(target) || target.endsWith('/') || target.includes('\0')) return undefined;
  const place = path.split('/').slice(0, -1);
  const parts = target.split('/');
  while (parts[0] === '..') {
    parts.shift();
    if (place.pop() === undefined) return undefined;
  }
  if (parts.length === 0 || parts.some((part) => part === '' || part === '.' || part === '..')) return undefined;
  const resolved = [...place, ...parts].join('/');
  return root === '' || resolved.startsWith(`${root}/`) ? resolved : undefined;
}
