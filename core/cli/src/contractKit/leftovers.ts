import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What the agent itself keeps on a host, for as long as the host is one. */
const AGENTS_OWN = ['var/lib/stackyard/agent', 'var/log/stackyard/agent.log', 'run/stackyard'];
/** Roots of what the platform and stacks make; a host's root may hold what is not theirs. */
const MADE = ['etc/stackyard', 'opt/stackyard', 'var/lib', 'var/log', 'srv', 'data'];

/** Files that are left below the root of a local host besides those of its agent, relative to it. */
export async function filesLeft(root: string): Promise<string[]> {
  const trees = await Promise.all(MADE.map((top) => filesBelow(root, top)));
  return trees.flat().toSorted();
}

async function filesBelow(root: string, path: string): Promise<string[]> {
  if (AGENTS_OWN.some((own) => path === own || path.startsWith(`${own}/`))) return [];
  const entries = await readdir(join(root, path), { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const below = `${path}/${entry.name}`;
      if (entry.isDirectory()) return filesBelow(root, below);
      return AGENTS_OWN.some((own) => below.startsWith(own)) ? [] : [below];
    }),
  );
  return found.flat();
}
