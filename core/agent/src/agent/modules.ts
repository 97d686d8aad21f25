import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The module of the platform's phases and the command line of a runner that has it loaded before it is needed. */
export interface RunnerModules {
  readonly job: string;
  readonly command: readonly string[];
}

/** One task at a time needs no more of V8's own threads, and each of them costs something at the start and at the end. */
const flags = ['--v8-pool-size=1'];

/** From sources and from `dist` modules of this package, from a bundle the files beside it. */
export function runnerModules(): RunnerModules {
  const here = dirname(fileURLToPath(import.meta.url));
  const bundled = join(here, 'job.cjs');
  if (existsSync(bundled)) {
    return { job: bundled, command: [process.execPath, ...flags, '--require', bundled, join(here, 'runner.cjs')] };
  }
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const conditions = extension === 'ts' ? ['--conditions=@stackyard/source'] : [];
  const job = join(here, `../phases/job.${extension}`);
  const runner = join(here, `../spool/runnerMain.${extension}`);
  return { job, command: [process.execPath, ...flags, ...conditions, '--import', pathToFileURL(job).href, runner] };
}
