import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from 'pino';
import type { Downloads } from '../connection/download.ts';

/** Another version of the agent that the server wants to be tried. */
export interface AgentUpdate {
  readonly version: string;
  /** `agent-sha256-…`: what the bundle is fetched by. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly trialSeconds: number;
}

export interface UpdaterOptions {
  /** The launcher's folder; without one there is nobody who could start another version. */
  readonly dir: string | undefined;
  /** Of the agent that runs. */
  readonly version: string;
  readonly downloads: Pick<Downloads, 'read'>;
  readonly log: Logger;
  readonly begun: () => void;
  /** The version is in place: the agent has to end, and the launcher starts the other one. */
  readonly staged: () => void;
  /** It cannot be tried. */
  readonly failed: (version: string, reason: string) => void;
}

const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/;
const DIGEST = /^agent-sha256-([0-9a-f]{64})$/;
const LARGEST_BYTES = 512 * 1024 * 1024;
const FETCH_MS = 30 * 60_000;

/** Fetches another version of the agent and puts it where the launcher tries it; one at a time. */
export class Updater {
  readonly #options: UpdaterOptions;
  #busy = false;

  constructor(options: UpdaterOptions) {
    this.#options = options;
  }

  update(order: AgentUpdate): void {
    if (this.#busy || order.version === this.#options.version) return;
    this.#busy = true;
    this.#options.begun();
    const { log, staged, failed } = this.#options;
    this.#stage(order)
      .then(
        () => {
          log.info({ version: order.version }, 'Another version of the agent is in place and is tried now');
          staged();
        },
        (error: unknown) => {
          log.error({ err: error, version: order.version }, 'Another version of the agent could not be put in place');
          failed(order.version, (error as Error).message);
        },
      )
      .finally(() => (this.#busy = false));
  }

  async #stage({ version, digest, size, trialSeconds }: AgentUpdate): Promise<void> {
    const { dir } = this.#options;
    if (!dir) throw new Error('this agent was not started by a launcher, so nobody can start another one');
    const [, sha256] = DIGEST.exec(digest) ?? [];
    if (!VERSION.test(version) || sha256 === undefined || !(size > 0 && size <= LARGEST_BYTES))
      throw new Error('the server named no version, digest and size of a bundle');
    const target = join(dir, 'versions', version);
    if (!existsSync(target)) await this.#fetch({ dir, digest, sha256, size, version, target });
    const next = join(dir, 'next');
    await writeFile(`${next}.new`, `${version} ${Math.max(10, Math.floor(trialSeconds))}\n`, { mode: 0o600 });
    await rename(`${next}.new`, next);
  }

  async #fetch(wanted: {
    dir: string;
    digest: string;
    sha256: string;
    size: number;
    version: string;
    target: string;
  }): Promise<void> {
    const { dir, digest, sha256, size, version, target } = wanted;
    const work = join(dir, 'update');
    await rm(work, { recursive: true, force: true });
    await mkdir(join(work, 'version'), { recursive: true, mode: 0o700 });
    try {
      const file = join(work, 'bundle.tar.gz');
      const hash = createHash('sha256');
      let sum = 0;
      const measure = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          sum += chunk.length;
          hash.update(chunk);
          done(sum > size ? new Error('the bundle is larger than the server said') : undefined, chunk);
        },
      });
      const bytes = this.#options.downloads.read(digest, 0, AbortSignal.timeout(FETCH_MS));
      await pipeline(bytes, measure, createWriteStream(file, { mode: 0o600 }));
      if (sum !== size || hash.digest('hex') !== sha256)
        throw new Error('the bundle is not the one the server named: its digest differs');
      await unpack(file, join(work, 'version'));
      const named = JSON.parse(await readFile(join(work, 'version/bundle.json'), 'utf8')) as { version?: unknown };
      if (named.version !== version) throw new Error(`the bundle calls itself ${String(named.version)}`);
      await rename(join(work, 'version'), target);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
}

async function unpack(file: string, dir: string): Promise<void> {
  const child = spawn('tar', ['-xzf', file, '-C', dir, '--no-same-owner'], { stdio: 'ignore' });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the bundle could not be unpacked: tar ended with ${code}. Is the disk full?`);
}
