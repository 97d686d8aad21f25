import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../version.ts';

/** A version that the launcher tried and gave up. */
export interface FailedVersion {
  readonly version: string;
  readonly reason: string;
}

/** What the agent and the launcher that started it say to each other, by files beside `current`. */
export class LauncherReport {
  /** The launcher's folder; undefined for an agent that was started otherwise. */
  readonly dir: string | undefined;
  /** Of this agent, as the launcher calls it. */
  readonly version: string;
  /** A version that could not even be tried. */
  refused: FailedVersion | undefined;
  #said = false;

  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.dir = env['STACKYARD_LAUNCHER'];
    this.version = env['STACKYARD_AGENT_VERSION'] ?? VERSION;
  }

  /** The server has taken this agent's inventory and answers it: a version that was on trial stays. */
  connected(): void {
    if (!this.dir || this.#said) return;
    this.#said = true;
    const file = join(this.dir, 'connected');
    writeFileSync(`${file}.new`, `${this.version} ${process.pid}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** Another version is about to be tried: what became of the one before is of no interest any more. */
  forget(): void {
    this.refused = undefined;
    if (this.dir) rmSync(join(this.dir, 'failed'), { force: true });
  }

  /** The version that was given up last. */
  failed(): FailedVersion | undefined {
    if (this.refused || !this.dir) return this.refused;
    try {
      const [, version, reason] = /^(\S+) (.*)$/m.exec(readFileSync(join(this.dir, 'failed'), 'utf8')) ?? [];
      return version === undefined || reason === undefined ? undefined : { version, reason };
    } catch {
      return undefined;
    }
  }
}
