import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly { readonly alert: string }[];
}

/** A group without the rules that Prometheus would not take, and why it would not. */
export interface Checked {
  readonly group: RuleGroup;
  readonly refused: readonly { readonly file: string; readonly why: string }[];
}

/**
 * Looks at rules as Prometheus will. One that it refuses would keep it from all rules of the file, so it is left out and
 * the others stay. Where there is no promtool, everything is let through.
 */
export class Promtool {
  readonly #program: string;
  /** What was looked at before: rules seldom change, and a watch looks at them all the time. */
  readonly #known = new Map<string, Checked>();

  constructor(program: string) {
    this.#program = program;
  }

  async check(group: RuleGroup): Promise<Checked> {
    const key = JSON.stringify(group);
    const known = this.#known.get(key);
    if (known) return known;
    const checked = await this.#look(group);
    if (this.#known.size > 10_000) this.#known.clear();
    this.#known.set(key, checked);
    return checked;
  }

  async #look(group: RuleGroup): Promise<Checked> {
    if ((await this.#says(group)) === undefined) return { group, refused: [] };
    const rules: RuleGroup['rules'][number][] = [];
    const refused: { file: string; why: string }[] = [];
    for (const rule of group.rules) {
      const why = await this.#says({ ...group, rules: [rule] });
      if (why === undefined) rules.push(rule);
      else refused.push({ file: `${group.name} ${rule.alert}`, why });
    }
    return { group: { ...group, rules }, refused };
  }

  /** @returns what is wrong; undefined when nothing is, or when there is no promtool to ask */
  async #says(group: RuleGroup): Promise<string | undefined> {
    const dir = await mkdtemp(join(tmpdir(), 'stackyard-rules-'));
    try {
      const file = join(dir, 'rules.yml');
      await writeFile(file, stringify({ groups: [group] }));
      const { code, said } = await run(this.#program, ['check', 'rules', file]);
      return code === 0 || code === undefined ? undefined : said.replaceAll(file, group.name).trim();
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}

/** `code` is undefined where the program is not installed. */
function run(program: string, args: readonly string[]): Promise<{ code: number | null | undefined; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve({ code: undefined, said }) : reject(error),
    );
    child.once('close', (code) => resolve({ code, said }));
  });
}
