import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, startChild } from '../world/children.ts';
import type { BareClientsArguments, BareClientsReady } from './bareClientsMain.ts';
import { makeCertificates } from './certificates.ts';

const sources = '--conditions=@stackyard/source';
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A bare gRPC server over mTLS with bare clients, each in a process of its own, their files in a directory of the bench's world. */
export class Bare {
  readonly #dir: string;
  readonly #certificates: string;
  readonly #children: Child<unknown>[] = [];
  #server: Child<{ endpoint: string }> | undefined;

  private constructor(dir: string, certificates: string) {
    this.#dir = dir;
    this.#certificates = certificates;
  }

  static async start(dir: string): Promise<Bare> {
    const file = join(dir, 'bare-certificates.json');
    await writeFile(file, JSON.stringify(await makeCertificates()), { mode: 0o600 });
    const bare = new Bare(dir, file);
    bare.#server = await bare.#start<{ endpoint: string }>('bareServer', [path('./bareServerMain.ts'), file]);
    return bare;
  }

  get serverPid(): number {
    return this.#server?.pid ?? 0;
  }

  /** Answers when all of them are connected and, with `batch`, their echoes are measured. */
  connect(options: Omit<BareClientsArguments, 'certificates' | 'endpoint'>): Promise<Child<BareClientsReady>> {
    const endpoint = this.#server?.ready.endpoint ?? '';
    const given: BareClientsArguments = { ...options, certificates: this.#certificates, endpoint };
    return this.#start<BareClientsReady>('bareClients', [path('./bareClientsMain.ts'), JSON.stringify(given)]);
  }

  async close(): Promise<void> {
    for (const child of this.#children.toReversed()) await child.end();
  }

  async #start<Ready>(name: string, args: readonly string[]): Promise<Child<Ready>> {
    const child = await startChild<Ready>({
      args: [sources, ...args],
      cwd: this.#dir,
      logFile: join(this.#dir, `${name}.log`),
    });
    this.#children.push(child);
    return child;
  }
}
