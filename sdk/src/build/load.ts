import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StackProblem } from '../define/errors.ts';
import type { ManifestOptions } from '../define/toManifest.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import type { SourcePlaces } from './sites.ts';

export interface LoadRequest {
  /** The package, to which places of problems are relative. */
  readonly folder: string;
  readonly entry: string;
  readonly options: ManifestOptions;
}

export interface LoadAnswer {
  /** Absent when something is an error. */
  readonly manifest?: StackManifest;
  /** The definition as data, wrong as it may be; absent when it could not be imported. */
  readonly draft?: StackManifest;
  readonly problems: readonly StackProblem[];
  readonly places: SourcePlaces;
}

/**
 * Imports a stack's definition in a process of its own and brings back its manifest and all that is wrong with it: no
 * code of a stack is ever part of the caller's process, and a changed file is always read anew.
 */
export async function loadDefinition(request: LoadRequest): Promise<LoadAnswer> {
  const source = import.meta.url.endsWith('.ts');
  const loader = fileURLToPath(new URL(source ? './loader.ts' : './loader.js', import.meta.url));
  const child = fork(loader, [], {
    execArgv: source ? ['--conditions=@stackyard/source'] : [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  return new Promise<LoadAnswer>((resolve, reject) => {
    child.once('message', (message) => resolve(message as LoadAnswer));
    child.once('error', reject);
    child.once('close', () => {
      const reason = `it cannot be imported: ${said.trim() || 'the definition ended the process'}`;
      resolve({ problems: [{ where: request.entry, reason, remedy: 'correct the module' }], places: {} });
    });
    child.send(request, (error) => error && reject(error));
  }).finally(() => child.kill());
}
