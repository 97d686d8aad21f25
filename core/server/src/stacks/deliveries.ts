import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { deprecationOf, readStackPackage, type Registries } from '../registries/index.ts';
import type { Allow } from '../trust/decide.ts';
import type { Examined, Installation, StackStore } from './store.ts';

/** Who wants a stack to be installed, and what they accept for it. */
export interface Wish {
  readonly by: string;
  readonly allow: Allow;
  /** What the artifact has to be, `sha512-<hex>`, as a preview said. */
  readonly digest?: string | undefined;
  /** Only look. */
  readonly preview: boolean;
  readonly signal: AbortSignal;
}

/** What came of a delivery: what it is, and whether it is installed now. */
export interface Delivered extends Examined {
  /** The registry that it came from. */
  readonly registry?: string;
}

/**
 * Brings stacks to the store: from a registry, or from a body that somebody sends. Nothing but the artifact and its
 * signatures is taken out of an npm package, and nothing of them is read before the store has judged them.
 */
export class Deliveries {
  readonly #stacks: StackStore;
  readonly #registries: Registries;
  readonly #dir: string;

  /** @param dir where packages lie while they are looked at */
  constructor({ stacks, registries, dir }: { stacks: StackStore; registries: Registries; dir: string }) {
    this.#stacks = stacks;
    this.#registries = registries;
    this.#dir = dir;
  }

  /** Forgets what a server before this one was looking at. */
  async clear(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** @param wanted a version, a range or a tag */
  async fromRegistry(
    { stack, wanted, registry }: { stack: string; wanted: string; registry?: string | undefined },
    wish: Wish,
  ): Promise<Delivered> {
    const fetched = await this.#registries.fetch(stack, { wanted, registry, signal: wish.signal });
    try {
      const { version } = fetched;
      const delivered = await this.#deliver(fetched.file, wish, {
        origin: 'registry',
        source: this.#registries.get(fetched.registry).url,
        claimed: { name: stack, version: version.version },
        deprecated: deprecationOf(version),
      });
      return { ...delivered, registry: fetched.registry };
    } finally {
      await rm(fetched.file, { force: true });
    }
  }

  async fromUpload(
    content: AsyncIterable<Uint8Array>,
    { origin, source }: { origin: 'tarball' | 'folder'; source?: string | undefined },
    wish: Wish,
  ): Promise<Delivered> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const file = join(this.#dir, `${randomUUID()}.tgz`);
    try {
      await pipeline(content, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
      return await this.#deliver(file, wish, { origin, source });
    } finally {
      await rm(file, { force: true });
    }
  }

  async #deliver(
    file: string,
    { by, allow, digest, preview }: Wish,
    about: Pick<Installation, 'origin' | 'source' | 'claimed' | 'deprecated'>,
  ): Promise<Delivered> {
    const named = about.claimed ? `${about.claimed.name}@${about.claimed.version}` : (about.source ?? 'What was sent');
    const { artifact, signatures } = await readStackPackage(file, { name: named, version: about.claimed?.version });
    const staged = `${file}.artifact`;
    await writeFile(staged, artifact, { flag: 'wx', mode: 0o600 });
    try {
      const installation = { ...about, file: staged, by, allow, digest, signatures };
      const examined = await this.#stacks.examine(installation);
      if (!preview) await this.#stacks.install(installation);
      return examined;
    } finally {
      await rm(staged, { force: true });
    }
  }
}
