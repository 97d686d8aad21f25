import { readFile, stat } from 'node:fs/promises';
import type { RenderedFile } from '@stackyard/sdk/manifest';
import { readTemplates } from '../artifacts/store.ts';
import { IntegrityError, PhaseError } from '../errors.ts';
import type { PhaseContext } from './context.ts';
import { ownerOf, writeAtomically } from './files.ts';
import { makeDataDirs } from './install.ts';

/** Of a file with a secret, unless its author lets the service's group read it too. */
const OWNER_ONLY = 0o600;
const WITHOUT_OTHERS = 0o640;

/**
 * Every file of the component. Its digest is that of what the server's plan showed, where secrets are sealed; its content
 * has the secrets themselves.
 */
export async function renderFiles(context: PhaseContext): Promise<RenderedFile[]> {
  const { service, component, inputs, artifact, order } = context;
  // Loaded only here: most phases render nothing, and the template engine is two thirds of a runner's code.
  const { renderComponent } = await import('@stackyard/sdk/render/component');
  const templates = await readTemplates(artifact);
  const shown = renderComponent({ service, component, inputs: order.inputs, templates });
  if (context.secrets.length === 0) return shown;
  const contents = new Map(
    renderComponent({ service, component, inputs, templates }).map(({ path, content }) => [path, content]),
  );
  return shown.map((file) => {
    const content = contents.get(file.path);
    if (content === undefined)
      throw new PhaseError(`Whether there is a file ${file.path} must not depend on a secret.`);
    if (content === file.content) return file;
    const { mode } = service.configs.find(({ name }) => name === file.config) ?? {};
    return { ...file, content, mode: secretFileMode(mode) };
  });
}

export function secretFileMode(wanted: number | undefined): number {
  return wanted === undefined ? OWNER_ONLY : wanted & WITHOUT_OTHERS;
}

/** Writes the component's configs and declared files; gives back the digest of each by path. */
export async function configure(context: PhaseContext): Promise<Record<string, string>> {
  const files = await renderFiles(context);
  checkAgainstPlan(files, context.order.expectedFiles);
  await makeDataDirs(context);
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
