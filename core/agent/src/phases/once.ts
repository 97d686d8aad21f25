import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataDirsOf, type PhaseContext } from './context.ts';
import { ownerOf, writeAtomically } from './files.ts';

const FILE = '.stackyard-once';

/**
 * Remembers steps that are done once per host component: in the data directory, so that the mark lives and dies with
 * the data, and at the server, so that a wiped agent does not format what is there.
 */
export class OnceMarkers {
  readonly #context: PhaseContext;
  readonly done: Record<string, string> = {};

  constructor(context: PhaseContext) {
    this.#context = context;
  }

  get #file(): string {
    return join(dataDirsOf(this.#context)[0] ?? this.#context.dir, FILE);
  }

  async #names(): Promise<string[]> {
    if (!existsSync(this.#file)) return [];
    return (await readFile(this.#file, 'utf8')).split('\n').filter((line) => line !== '');
  }

  async run(name: string, step: () => Promise<void>): Promise<void> {
    const names = await this.#names();
    if (names.includes(name) || this.#context.order.once.includes(name)) {
      this.#context.log(`"${name}" was done before and is not done again.`);
      return;
    }
    await step();
    await writeAtomically(this.#file, `${[...names, name].join('\n')}\n`, {
      mode: 0o640,
      owner: await ownerOf(this.#context),
    });
    this.done[name] = new Date().toISOString();
    this.#context.log(`"${name}" is done and remembered.`);
  }
}
