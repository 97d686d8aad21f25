import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { JAVA_RUNTIME, type PackageManifest } from '@stackyard/sdk/manifest';
import type { Bundles as AgentBundles } from '../agents/bundles.ts';
import type { CarriedPackage, PackageRepository } from '../packages/index.ts';
import type { Examined, Installation, StackStore } from '../stacks/store.ts';
import type { Allow } from '../trust/decide.ts';
import { BundleInvalidError, BundleLimitError, BundleNotFoundError } from './errors.ts';
import { type BundleManifest, type Part, type PartOf, pathOf } from './format.ts';
import { receiveBundle } from './receive.ts';

/** What a bundle has, and what importing it would change. */
export interface BundlePreview {
  readonly id: string;
  readonly stacks: readonly Examined[];
  readonly packages: readonly { readonly part: PartOf<'package'>; readonly present: boolean }[];
  readonly agents: readonly {
    readonly part: PartOf<'agent'>;
    readonly present: boolean;
    /** Why this server cannot give it to hosts. */
    readonly fault: string | undefined;
  }[];
}

interface Waiting {
  readonly dir: string;
  readonly manifest: BundleManifest;
}

const MAX_WAITING = 4;

/** Bundles that were sent here: whole and verified, but nothing of them is used before somebody says so. */
export class BundleImports {
  readonly #dir: string;
  readonly #stacks: StackStore;
  readonly #packages: () => PackageRepository;
  readonly #agents: AgentBundles;
  readonly #java: PackageManifest | undefined;
  readonly #waiting = new Map<string, Waiting>();

  constructor(parts: {
    dir: string;
    stacks: StackStore;
    packages: () => PackageRepository;
    agents: AgentBundles;
    /** What this server gives to hosts whose own Java does not suit. */
    java: PackageManifest | undefined;
  }) {
    this.#dir = parts.dir;
    this.#stacks = parts.stacks;
    this.#packages = parts.packages;
    this.#agents = parts.agents;
    this.#java = parts.java;
  }

  /** Forgets what a server before this one was sent. */
  async clear(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** @throws BundleInvalidError, BundleLimitError, BundleDiskFullError, and what is wrong with a stack */
  async receive(content: AsyncIterable<Uint8Array>, by: string): Promise<BundlePreview> {
    if (this.#waiting.size >= MAX_WAITING) throw new BundleLimitError({ limit: MAX_WAITING });
    const id = randomUUID();
    const dir = join(this.#dir, id);
    // Its place is taken before its first byte has come.
    this.#waiting.set(id, { dir, manifest: { format: 1, parts: [] } });
    try {
      const manifest = await receiveBundle(content, dir);
      this.#waiting.set(id, { dir, manifest });
      return await this.preview(id, by);
    } catch (error) {
      await this.discard(id);
      throw error;
    }
  }

  async preview(id: string, by: string): Promise<BundlePreview> {
    const waiting = this.#get(id);
    const stacks: Examined[] = [];
    for (const each of await installationsOf(waiting, { by, allow: {} })) stacks.push(await this.#stacks.examine(each));
    const packages = await Promise.all(
      partsOf(waiting, 'package')
        .filter((part) => this.#isOfUse(part))
        .map(async (part) => ({ part, present: await this.#hasPackage(part, stacks) })),
    );
    const agents = await Promise.all(
      partsOf(waiting, 'agent').map(async (part) => {
        const fault = await this.#agentFault(part);
        return {
          part,
          fault,
          present: fault === undefined && (await this.#agents.has(part.architecture, part.sha256)),
        };
      }),
    );
    return { id, stacks, packages, agents };
  }

  /**
   * Takes in what a bundle has: packages first, which nobody uses before their stack is there, then all of its stacks at
   * once or none.
   */
  async execute(id: string, { by, allow }: { by: string; allow: Allow }): Promise<BundlePreview> {
    const waiting = this.#get(id);
    const preview = await this.preview(id, by);
    const installations = await installationsOf(waiting, { by, allow });
    const examined: Examined[] = [];
    for (const each of installations) {
      const found = await this.#stacks.examine(each);
      if (found.refusal) throw found.refusal;
      examined.push(found);
    }
    const missing = preview.packages.filter(({ present }) => !present).map(({ part }) => part);
    await this.#packages().adopt(missing.map((part) => carried(waiting, part, this.#usersOf(part, examined))));
    for (const { part, present, fault } of preview.agents)
      if (!present && fault === undefined)
        await this.#agents.adopt(part.architecture, { file: join(waiting.dir, pathOf(part)), sha256: part.sha256 });
    await this.#stacks.installAll(installations);
    await this.discard(id);
    return preview;
  }

  async discard(id: string): Promise<void> {
    const { dir } = this.#get(id);
    this.#waiting.delete(id);
    await rm(dir, { recursive: true, force: true });
  }

  #get(id: string): Waiting {
    const waiting = this.#waiting.get(id);
    if (!waiting) throw new BundleNotFoundError({ id });
    return waiting;
  }

  async #hasPackage(part: PartOf<'package'>, stacks: readonly Examined[]): Promise<boolean> {
    // What was refused is not read, so nobody knows what packages it has.
    if (stacks.some(({ manifest }) => manifest === undefined)) return false;
    for (const { descriptor, arch } of this.#usersOf(part, stacks))
      if (!(await this.#packages().find(descriptor, arch))) return false;
    return true;
  }

  /** A server that gives another Java to hosts leaves the one of the bundle alone. */
  #isOfUse({ name, version, origin }: PartOf<'package'>): boolean {
    return name !== JAVA_RUNTIME || (this.#java?.version === version && this.#java.origins[origin] !== undefined);
  }

  /** The descriptors of a package. @throws BundleInvalidError when none of the stacks it came with has it */
  #usersOf({ name, version, of }: PartOf<'package'>, stacks: readonly Examined[]): CarriedPackage['of'] {
    return of.map(({ stack, architecture: arch }) => {
      const manifest = stacks.find(({ digest }) => digest === stack)?.manifest;
      const known = [
        ...(manifest?.services.flatMap(({ packages }) => packages) ?? []),
        ...(this.#java ? [this.#java] : []),
      ];
      const descriptor = known.find((each) => each.name === name && each.version === version);
      if (descriptor) return { descriptor, arch };
      throw new BundleInvalidError({ reason: `it has the package ${name} ${version}, which no stack in it describes` });
    });
  }

  async #agentFault({ version }: PartOf<'agent'>): Promise<string | undefined> {
    const own = await this.#agents.version().catch(() => undefined);
    if (own === version) return undefined;
    return own === undefined ? 'this server gives no agents to hosts' : `this server gives ${own} to hosts`;
  }
}

function partsOf<Kind extends Part['kind']>({ manifest }: Waiting, kind: Kind): PartOf<Kind>[] {
  return manifest.parts.filter((part): part is PartOf<Kind> => part.kind === kind);
}

async function installationsOf(waiting: Waiting, { by, allow }: { by: string; allow: Allow }): Promise<Installation[]> {
  const signatures = new Map(partsOf(waiting, 'signatures').map((part) => [part.stack, part]));
  return Promise.all(
    partsOf(waiting, 'stack').map(async (part): Promise<Installation> => {
      const { name, version, deprecated } = part;
      const digest = `sha512-${part.sha512}`;
      const signed = signatures.get(digest);
      return {
        file: join(waiting.dir, pathOf(part)),
        origin: 'bundle',
        by,
        digest,
        claimed: { name, version },
        deprecated,
        ...(signed ? { signatures: await readFile(join(waiting.dir, pathOf(signed)), 'utf8') } : {}),
        allow,
      };
    }),
  );
}

function carried({ dir }: Waiting, part: PartOf<'package'>, of: CarriedPackage['of']): CarriedPackage {
  const { origin, sha512 } = part;
  return { file: join(dir, pathOf(part)), origin, sha512, of };
}
