import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The module of the platform's phases and the command line of a runner that has it loaded before it is needed. */
export interface RunnerModules {
  readonly job: string;
  readonly command: readonly string[];
}

/** From sources and from `dist` modules of this package, from a bundle the files beside it. */
export function runnerModules(): RunnerModules {
  const here = dirname(fileURLToPath(import.meta.url));
  const bundled = join(here, 'job.cjs');
  if (existsSync(bundled)) {
    return { job: bundled, command: [process.execPath, '--require', bundled, join(here, 'runner.cjs')] };
  }
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const flags = extension === 'ts' ? ['--conditions=@stackyard/source'] : [];
  const job = join(here, `../phases/job.${extension}`);
  const runner = join(here, `../spool/runnerMain.${extension}`);
  return { job, command: [process.execPath, ...flags, '--import', pathToFileURL(job).href, runner] };
}
