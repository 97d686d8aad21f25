import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';

const wanted = ['sh', 'flock', 'fallocate', 'setpriv', 'setsid', 'tar'] as const;

/** Where each tool the agent uses was found; missing ones are left out. */
export type ToolsFact = Readonly<Partial<Record<(typeof wanted)[number], string>>>;

export async function tools(): Promise<ToolsFact> {
  const found = await Promise.all(wanted.map(async (name) => [name, await findInPath(name)] as const));
  return Object.fromEntries(found.filter(([, path]) => path !== undefined));
}

/** The first executable of this name in PATH. */
export async function findInPath(name: string, path: string = process.env['PATH'] ?? ''): Promise<string | undefined> {
  for (const dir of path.split(':').filter((each) => each !== '')) {
    const file = join(dir, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}
