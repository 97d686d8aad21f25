import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Fate {
  readonly name: string;
  /** By which seed and invariant; absent when it survived. */
  readonly killed?: { readonly seed: number; readonly invariant: string; readonly detail: string };
}

/** Runs mutants one after the other in a process of their own, and tells what became of each. */
export async function* runMutants(names: readonly string[], limitMs: number): AsyncGenerator<Fate> {
  const script = fileURLToPath(new URL('kill.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@stackyard/source', script, ...names], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Fate;
    const code = await ended;
    if (code !== 0) throw new Error(`The process that ran ${names.join(', ')} ended with ${code}.`);
  } finally {
    child.kill('SIGKILL');
  }
}
