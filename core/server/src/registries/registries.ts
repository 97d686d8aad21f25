import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  NoRegistryError,
  RegistryAnswerError,
  RegistryIntegrityError,
  RegistryNotFoundError,
  RegistryScopeError,
  RegistryStackNotFoundError,
} from './errors.ts';
import { Packument, type PackumentVersion, pickVersion, sha512Of } from './packument.ts';
import { ask, askJson, bytesOf } from './registryHttp.ts';
import { directory, type FoundStack, searchRegistry } from './search.ts';
import { registryFor, type RegistrySettings, servingScope } from './settings.ts';

/** A npm tarball of a stack may have so many bytes. */
export const MAX_TARBALL = 64 * 2 ** 20;
const MAX_PACKUMENT = 32 * 2 ** 20;
/** A look at a registry, and the download of a tarball. */
const LOOK_MS = 60_000;
const DOWNLOAD_MS = 300_000;

/** A package that was fetched; whoever is done with it removes the file. */
export interface FetchedPackage {
  readonly file: string;
  readonly registry: string;
  readonly version: PackumentVersion;
}

/** The npm registries that the operator has named. */
export class Registries {
  readonly #registries: readonly RegistrySettings[];
  readonly #dir: string;

  /** @param dir where tarballs lie while they are looked at */
  constructor({ registries, dir }: { registries: readonly RegistrySettings[]; dir: string }) {
    this.#registries = registries;
    this.#dir = dir;
  }

  list(): readonly RegistrySettings[] {
    return this.#registries;
  }

  /** @throws RegistryNotFoundError */
  get(name: string): RegistrySettings {
    const found = this.#registries.find((each) => each.name === name);
    if (!found) throw new RegistryNotFoundError({ registry: name, known: this.#names() });
    return found;
  }

  /**
   * Where a stack comes from.
   * @throws RegistryNotFoundError, NoRegistryError, RegistryScopeError
   */
  choose(stack: string, named?: string): RegistrySettings {
    const right = registryFor(this.#registries, stack);
    if (named === undefined) {
      if (!right) throw new NoRegistryError({ stack, known: this.#names() });
      return right;
    }
    const asked = this.get(named);
    const serving = servingScope(this.#registries, stack);
    if (serving ? serving !== asked : asked.scopes.length > 0)
      throw new RegistryScopeError({ stack, registry: named, serving: serving?.name });
    return asked;
  }

  async search(name: string, words: string, signal: AbortSignal): Promise<FoundStack[]> {
    const registry = this.get(name);
    const found = await searchRegistry(registry, words, AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]));
    // What would not be taken from here is not offered either.
    return found.filter((each) => {
      const serving = servingScope(this.#registries, each.name);
      return serving ? serving === registry : registry.scopes.length === 0;
    });
  }

  /** Every version of a stack. @throws RegistryStackNotFoundError and what `choose` throws */
  async packument(
    stack: string,
    { registry: named, signal }: { registry?: string | undefined; signal: AbortSignal },
  ): Promise<{ registry: RegistrySettings; packument: Packument }> {
    const registry = this.choose(stack, named);
    const url = new URL(stack.replace('/', '%2f'), directory(registry.url));
    const answer = await askJson(
      { registry, url, accept: 'application/json', signal: AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]) },
      { maxBytes: MAX_PACKUMENT, what: `the list of versions of ${stack}` },
    );
    if (answer === undefined) throw new RegistryStackNotFoundError({ stack, registry: registry.name });
    const parsed = Packument.safeParse(answer);
    if (!parsed.success || parsed.data.name !== stack)
      throw new RegistryAnswerError({
        registry: registry.name,
        reason: `sends something else as versions of ${stack}`,
      });
    return { registry, packument: parsed.data };
  }

  /**
   * Downloads the version that is meant and compares it with what the registry says of it; not a byte of it was read.
   *
   * @param wanted a version, a range or a tag
   */
  async fetch(
    stack: string,
    { wanted, ...asked }: { wanted: string; registry?: string | undefined; signal: AbortSignal },
  ): Promise<FetchedPackage> {
    const { registry, packument } = await this.packument(stack, asked);
    const version = pickVersion(packument, wanted);
    const file = join(this.#dir, `${randomUUID()}.tgz`);
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    try {
      await this.#download(registry, version, { stack, file, signal: asked.signal });
      return { file, registry: registry.name, version };
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  async #download(
    registry: RegistrySettings,
    { version, dist }: PackumentVersion,
    { stack, file, signal }: { stack: string; file: string; signal: AbortSignal },
  ): Promise<void> {
    const named = `${stack}@${version}`;
    const refuse = (reason: string): never => {
      throw new RegistryIntegrityError({ stack: named, registry: registry.name, reason });
    };
    const expected = sha512Of(dist.integrity) ?? refuse('the registry states no sha512 for it');
    if (!URL.canParse(dist.tarball, registry.url)) refuse('its address is none');
    const answer = await ask({
      registry,
      url: new URL(dist.tarball, registry.url),
      accept: 'application/octet-stream',
      signal: AbortSignal.any([signal, AbortSignal.timeout(DOWNLOAD_MS)]),
    });
    try {
      if (answer.statusCode !== 200)
        throw new RegistryAnswerError({ registry: registry.name, reason: `answers ${answer.statusCode} for ${named}` });
      const hash = createHash('sha512');
      await pipeline(
        bytesOf(answer, { registry, what: named, maxBytes: MAX_TARBALL }),
        async function* (source: AsyncIterable<Buffer>) {
          for await (const chunk of source) {
            hash.update(chunk);
            yield chunk;
          }
        },
        createWriteStream(file, { flags: 'wx', mode: 0o600 }),
      );
      const actual = hash.digest('base64');
      if (actual !== expected) refuse(`its sha512 is ${actual}, and the registry states ${expected}`);
    } finally {
      answer.destroy();
    }
  }

  #names(): string[] {
    return this.#registries.map(({ name }) => name);
  }
}
