import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { configDir, logDir } from '@stackyard/sdk/render';
import { stopComponent } from '../processes/stop.ts';
import { dataDirsOf, type PhaseContext } from './context.ts';
import { otherUser, safeDataDir } from './dataDirs.ts';
import { removeWithEmptyParents } from './files.ts';
import { releasePackages } from './packageUsers.ts';

/** Leaves nothing of the component on the host but its data directories, and not those when they are to be deleted. */
export async function remove(context: PhaseContext): Promise<void> {
  const { self } = context.inputs;
  const stopMs = context.component.process?.stopMs ?? 10_000;
  if (existsSync(context.dir)) await stopComponent(context.dir, { stopMs });
  // Before the configs go: their values say where the data lies.
  const data = dataDirsOf(context);
  if (context.order.deleteData) for (const path of data) await safeDataDir(path, self.root);
  await releasePackages(context);
  for (const path of [configDir(self), logDir(self)]) {
    if (await removeWithEmptyParents(path, self.root)) context.log(`Removed ${path}.`);
  }
  // Its parent is the agent's own, and watched.
  await rm(context.dir, { recursive: true, force: true });
  for (const path of data) {
    if (!context.order.deleteData) {
      if (existsSync(path)) context.log(`Kept the data directory ${path}.`);
      continue;
    }
    const other = await otherUser(context.dir, path);
    if (other !== undefined) {
      context.log(`Kept the data directory ${path}: host component ${other} has data there too.`);
      continue;
    }
    await safeDataDir(path, self.root);
    if (await removeWithEmptyParents(path, self.root)) context.log(`Deleted the data directory ${path}.`);
  }
}
