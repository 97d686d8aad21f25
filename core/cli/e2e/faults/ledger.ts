import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One line of a host's ledger. */
export interface Entry {
  readonly host: string;
  /** Of the runner that wrote it, or whose child did. */
  readonly cookie: string;
  readonly what: 'begin' | 'child' | 'end';
  /** Microseconds of the clock that all processes of this machine share; not said by children. */
  readonly atUs?: number;
}

/** What an agent's journal says of a runner: whose attempt it carried out. */
export interface Start {
  readonly host: string;
  readonly cookie: string;
  /** `<task id>/<number>` */
  readonly attempt: string;
}

const LINE = /^(\S+) (begin|child|end)(?: (\d+))?$/;

/** @throws Error for a line that nobody can have written whole */
export function parseLedger(host: string, text: string): Entry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, cookie, what, atUs] = LINE.exec(line) ?? [];
      if (cookie === undefined) throw new Error(`The ledger of ${host} has the line "${line}".`);
      return { host, cookie, what: what as Entry['what'], ...(atUs === undefined ? {} : { atUs: Number(atUs) }) };
    });
}

export async function readLedger(host: string, root: string): Promise<Entry[]> {
  return parseLedger(host, await readFile(join(root, 'ledger'), 'utf8').catch(() => ''));
}

/** Reads the decisions in a spool, those of entries that were read before left out. */
export class StartsOfSpool {
  readonly #host: string;
  readonly #spool: string;
  /** By file, since an attempt that was not started at the first try has several. */
  readonly #found = new Map<string, Start | undefined>();

  constructor(host: string, root: string) {
    this.#host = host;
    this.#spool = join(root, 'var/lib/stackyard/agent/spool');
  }

  /** Attempts whose command the agent has journaled. */
  readonly entries = new Set<string>();

  get starts(): readonly Start[] {
    return [...this.#found.values()].filter((start) => start !== undefined);
  }

  /** Directories of settled attempts are removed after a while: to be called more often than that. */
  async read(): Promise<void> {
    const names = await readdir(this.#spool).catch(() => []);
    for (const name of names) {
      const [, task, number] = /^([0-9a-f-]{36})\.(\d+)$/.exec(name) ?? [];
      if (task === undefined) continue;
      this.entries.add(`${task}/${number}`);
      const files = await readdir(join(this.#spool, name)).catch(() => []);
      for (const file of files.filter((each) => /^decision\.\d+$/.test(each))) {
        await this.#readDecision(`${name}/${file}`, `${task}/${number}`);
      }
    }
  }

  async #readDecision(file: string, attempt: string): Promise<void> {
    if (this.#found.has(file)) return;
    const text = await readFile(join(this.#spool, file), 'utf8').catch(() => undefined);
    if (text === undefined) return;
    // The first line is its checksum; a decision is linked whole.
    const { verdict, cookie } = JSON.parse(text.slice(text.indexOf('\n') + 1)) as { verdict: string; cookie: string };
    this.#found.set(file, verdict === 'run' ? { host: this.#host, cookie, attempt } : undefined);
  }
}
