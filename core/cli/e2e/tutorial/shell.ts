import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const cli = join(repository, 'core/cli/bin/stackyard.mjs');
const LIMIT_MS = 240_000;

/** A reader's shell: it keeps its directory and its variables from command to command. */
export class Shell {
  readonly #dir: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(dir: string, env: Readonly<Record<string, string>>) {
    this.#dir = dir;
    this.#env = env;
  }

  /** `stackyard` is the command of this repository; what npm would install is there already. */
  static async begin(dir: string, env: Readonly<Record<string, string>>): Promise<Shell> {
    const bin = join(dir, '.bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, 'stackyard'), `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`);
    await chmod(join(bin, 'stackyard'), 0o755);
    const home = join(dir, '.home');
    await mkdir(home, { recursive: true });
    await writeFile(join(dir, '.state'), `cd '${dir}'\n`);
    const path = `${bin}:${join(repository, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`;
    return new Shell(dir, { ...env, PATH: path, HOME: home, XDG_CONFIG_HOME: home, NO_COLOR: '1', LC_ALL: 'C.UTF-8' });
  }

  /** The directory in which the reader is. */
  async directory(): Promise<string> {
    return /^cd '(.*)'$/m.exec(await readFile(join(this.#dir, '.state'), 'utf8'))?.[1] ?? this.#dir;
  }

  async run(command: string): Promise<string> {
    const state = join(this.#dir, '.state');
    const script = `exec 2>&1\n. '${state}'\n{ ${command}\n}\nprintf "cd '%s'\\n" "$PWD" > '${state}'; export -p >> '${state}'\n`;
    const child = spawn('bash', ['-c', script], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'ignore'],
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    let said = '';
    // Both streams in the order in which a reader sees them.
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await once(child, 'close');
    return said;
  }
}
