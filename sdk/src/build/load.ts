import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { StackDefinitionError, type StackProblem } from '../define/errors.ts';
import type { ManifestOptions } from '../define/toManifest.ts';
import type { StackManifest } from '../manifest/manifest.ts';

export interface LoadRequest {
  readonly entry: string;
  readonly options: ManifestOptions;
}

export type LoadAnswer =
  | { readonly manifest: StackManifest }
  | { readonly problems: readonly StackProblem[] }
  | { readonly failure: string };

/**
 * Imports a stack's definition in a process of its own and brings back its manifest: no code of a stack is ever part of
 * the caller's process, and a changed file is always read anew.
 * @throws StackDefinitionError
 */
export async function loadManifest(request: LoadRequest): Promise<StackManifest> {
  const source = import.meta.url.endsWith('.ts');
  const loader = fileURLToPath(new URL(source ? './loader.ts' : './loader.js', import.meta.url));
  const child = fork(loader, [], {
    execArgv: source ? ['--conditions=@stackyard/source'] : [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  const answer = await new Promise<LoadAnswer>((resolve, reject) => {
    child.once('message', (message) => resolve(message as LoadAnswer));
    child.once('error', reject);
    child.once('close', () => resolve({ failure: said.trim() || 'the definition ended the process' }));
    child.send(request, (error) => error && reject(error));
  }).finally(() => child.kill());
  if ('manifest' in answer) return answer.manifest;
  if ('problems' in answer) throw new StackDefinitionError(answer.problems);
  throw new StackDefinitionError([
    { where: request.entry, reason: `it cannot be imported: ${answer.failure}`, remedy: 'correct the module' },
  ]);
}
