import { readFile, stat } from 'node:fs/promises';
import type { RenderedFile } from '@stackyard/sdk/manifest';
import { renderComponent } from '@stackyard/sdk/render';
import { readTemplates } from '../artifacts/store.ts';
import { IntegrityError } from '../errors.ts';
import type { PhaseContext } from './context.ts';
import { ownerOf, writeAtomically } from './files.ts';

/** Every file of the component as the server's plan showed it. */
export async function renderFiles(context: PhaseContext): Promise<RenderedFile[]> {
  const { service, component, inputs, artifact } = context;
  return renderComponent({ service, component, inputs, templates: await readTemplates(artifact) });
}

/** Writes the component's configs and declared files; gives back the digest of each by path. */
export async function configure(context: PhaseContext): Promise<Record<string, string>> {
  const files = await renderFiles(context);
  checkAgainstPlan(files, context.order.expectedFiles);
  await writeFiles(context, files);
  return Object.fromEntries(files.map(({ path, digest }) => [path, digest]));
}

export async function writeFiles(context: PhaseContext, files: readonly RenderedFile[]): Promise<void> {
  const owner = await ownerOf(context);
  for (const { path, content, mode } of files) {
    if (await isSame(path, content, mode)) {
      context.log(`${path} is as it should be.`);
      continue;
    }
    await writeAtomically(path, content, { mode, owner });
    const lines = content.split('\n').length - 1;
    context.log(`Wrote ${path} (${lines} line${lines === 1 ? '' : 's'}).`);
  }
}

async function isSame(path: string, content: string, mode: number): Promise<boolean> {
  try {
    return ((await stat(path)).mode & 0o7777) === mode && (await readFile(path, 'utf8')) === content;
  } catch {
    return false;
  }
}

/** @throws IntegrityError before anything is written */
function checkAgainstPlan(files: readonly RenderedFile[], expected: Readonly<Record<string, string>>): void {
  const rendered = new Map(files.map(({ path, digest }) => [path, digest]));
  const paths = new Set([...rendered.keys(), ...Object.keys(expected)]);
  const different = [...paths].filter((path) => rendered.get(path) !== expected[path]).toSorted();
  if (different.length === 0) return;
  throw new IntegrityError(
    `This host renders ${different.join(', ')} otherwise than the plan showed, so nothing was written. Plan the command again.`,
  );
}
