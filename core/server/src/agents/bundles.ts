import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type AgentBundle, ARCHITECTURES, type Architecture } from '@stackyard/contract';
import { BundleUnavailableError } from './errors.ts';
import type { AgentSoftware } from './software.ts';

/**
 * Bundles of the agent as files, one for each architecture, packed when somebody first asks for it. The digest lies beside
 * the file, so that 46 MB are read once.
 */
export class Bundles {
  readonly #dir: string;
  readonly #software: AgentSoftware | undefined;
  readonly #packing = new Map<string, Promise<AgentBundle>>();

  constructor(dir: string, software: AgentSoftware | undefined) {
    this.#dir = dir;
    this.#software = software;
  }

  /** @throws BundleUnavailableError */
  async get(architecture: Architecture): Promise<AgentBundle> {
    const software = this.#have(architecture);
    const version = await software.version();
    const name = `${version}-${architecture}`;
    const packing = this.#packing.get(name);
    if (packing) return packing;
    const begun = this.#open(software, { architecture, version, name }).finally(() => this.#packing.delete(name));
    this.#packing.set(name, begun);
    return begun;
  }

  /** Of what is given to hosts. @throws BundleUnavailableError */
  async version(): Promise<string> {
    return this.#have('any processor').version();
  }

  /** A bundle by the digest that agents fetch it by; undefined when there is none. */
  async open(sha256: string): Promise<{ readonly path: string; readonly size: number } | undefined> {
    for (const file of (await readdir(this.#dir).catch(() => [])).filter((name) => name.endsWith('.sha256'))) {
      if ((await readFile(join(this.#dir, file), 'utf8')) !== sha256) continue;
      const path = join(this.#dir, file.slice(0, -'.sha256'.length));
      return { path, size: (await stat(path)).size };
    }
    return undefined;
  }

  /** Takes in a bundle that somebody has carried here, so that it is not packed: of the version that is given to hosts. */
  async adopt(architecture: Architecture, { file, sha256 }: { file: string; sha256: string }): Promise<void> {
    const path = join(this.#dir, `${await this.version()}-${architecture}.tar.gz`);
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await rename(file, path);
    await writeFile(`${path}.sha256`, sha256, { mode: 0o600 });
  }

  /** Whether it lies here, so that nothing has to be fetched for it. */
  async has(architecture: Architecture, sha256: string): Promise<boolean> {
    const path = join(this.#dir, `${await this.version()}-${architecture}.tar.gz`);
    return (await readFile(`${path}.sha256`, 'utf8').catch(() => '')) === sha256 && existsSync(path);
  }

  /** @throws BundleUnavailableError */
  async joinScript(): Promise<string> {
    return this.#have('any processor').joinScript();
  }

  async #open(
    software: AgentSoftware,
    { architecture, version, name }: { architecture: Architecture; version: string; name: string },
  ): Promise<AgentBundle> {
    const path = join(this.#dir, `${name}.tar.gz`);
    const known = await readFile(`${path}.sha256`, 'utf8').catch(() => undefined);
    if (known !== undefined && /^[0-9a-f]{64}$/.test(known)) {
      const found = await stat(path).catch(() => undefined);
      if (found) return { path, size: found.size, sha256: known, version };
    }
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const staging = join(this.#dir, `${name}.${randomUUID()}`);
    try {
      await software.pack(architecture, staging);
      const [sha256, { size }] = [await digestOf(staging), await stat(staging)];
      await writeFile(`${path}.sha256`, sha256, { mode: 0o600 });
      await rename(staging, path);
      await this.#forgetOthers(name);
      return { path, size, sha256, version };
    } catch (error) {
      throw new BundleUnavailableError({ architecture, reason: (error as Error).message }, { cause: error });
    } finally {
      await rm(staging, { force: true });
    }
  }

  /** What earlier versions of the server packed is not given to anybody any more. */
  async #forgetOthers(name: string): Promise<void> {
    const version = name.replace(/-[a-z0-9]+$/, '');
    const kept = new Set(
      ARCHITECTURES.flatMap((each) => [`${version}-${each}.tar.gz`, `${version}-${each}.tar.gz.sha256`]),
    );
    const old = (await readdir(this.#dir)).filter((file) => /\.tar\.gz(\.sha256)?$/.test(file) && !kept.has(file));
    for (const file of old) await rm(join(this.#dir, file), { force: true });
  }

  #have(architecture: string): AgentSoftware {
    if (this.#software) return this.#software;
    throw new BundleUnavailableError({ architecture, reason: 'this server was started without the agent.' });
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
