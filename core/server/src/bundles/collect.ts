import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { signaturesText } from '@stackyard/sdk/artifact';
import type { Architecture } from '@stackyard/contract';
import { StackyardError } from '@stackyard/kernel';
import type { PackageManifest } from '@stackyard/sdk/manifest';
import type { Bundles as AgentBundles } from '../agents/bundles.ts';
import type { StackRow } from '../database/entities.ts';
import type { PackageRepository } from '../packages/index.ts';
import type { StackStore } from '../stacks/store.ts';
import { BundleArchitectureError } from './errors.ts';
import { MANIFEST, manifestText, type Part, type PartOf, pathOf } from './format.ts';
import type { OutgoingFile } from './tarFile.ts';

export interface Collection {
  readonly stacks: readonly StackRow[];
  /** Also the archives of the products that the stacks describe. */
  readonly packages: boolean;
  /** Also the Java of this server, for hosts whose own does not suit the stacks. */
  readonly java?: PackageManifest | undefined;
  /** Also the agent. */
  readonly agents: boolean;
  /** For hosts of which packages and agents are. */
  readonly architectures: readonly Architecture[];
}

interface Content {
  readonly part: Part;
  readonly from: string | Buffer;
}

/**
 * The files of a bundle. What is missing of packages and agents is fetched now, so that nothing is missing once its first
 * byte is sent.
 */
export async function collectBundle(
  { stacks, packages, java, agents, architectures }: Collection,
  from: { stacks: StackStore; packages: PackageRepository; agents: AgentBundles },
  signal: AbortSignal,
): Promise<OutgoingFile[]> {
  const contents: Content[] = [];
  for (const stack of stacks) contents.push(...(await stackContents(stack, from.stacks)));
  const wanted = (stack: StackRow) => [
    ...(packages ? stack.manifest.services.flatMap((service) => service.packages) : []),
    ...(java && stack.manifest.services.some(({ requires }) => requires.jdk) ? [java] : []),
  ];
  contents.push(...(await packageContents(stacks, { wanted, architectures }, from.packages, signal)));
  if (agents) for (const architecture of architectures) contents.push(await agentContent(architecture, from.agents));
  const manifest = Buffer.from(manifestText(contents.map(({ part }) => part)));
  // Two stacks may have the same package, or the same signatures.
  const files = new Map(contents.map(({ part, from: source }) => [pathOf(part), { size: part.size, from: source }]));
  return [
    { path: MANIFEST, size: manifest.length, from: manifest },
    ...[...files].map(([path, file]) => ({ path, ...file })).toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  ];
}

async function stackContents(stack: StackRow, store: StackStore): Promise<Content[]> {
  const { name, version, digest, deprecated, signatures } = stack;
  const file = await store.open(digest);
  if (!file) throw new Error(`The artifact ${digest} of ${name}@${version} is gone from the disk.`);
  const part: PartOf<'stack'> = {
    kind: 'stack',
    name,
    version,
    size: file.size,
    sha512: digest.slice('sha512-'.length),
    ...(deprecated ? { deprecated } : {}),
  };
  const artifact = { part, from: file.path };
  if (!signatures) return [artifact];
  const text = Buffer.from(signaturesText(signatures));
  const sha512 = createHash('sha512').update(text).digest('hex');
  return [artifact, { part: { kind: 'signatures', stack: digest, size: text.length, sha512 }, from: text }];
}

async function packageContents(
  stacks: readonly StackRow[],
  {
    wanted,
    architectures,
  }: {
    readonly wanted: (stack: StackRow) => readonly PackageManifest[];
    readonly architectures: readonly Architecture[];
  },
  repository: PackageRepository,
  signal: AbortSignal,
): Promise<Content[]> {
  const found = new Map<string, { part: PartOf<'package'>; from: string }>();
  for (const row of stacks)
    for (const descriptor of wanted(row))
      for (const architecture of architectures) {
        const stored = await repository.ensure(descriptor, { arch: architecture, signal }).catch((error: unknown) => {
          if (!(error instanceof StackyardError)) throw error;
          const named = `${descriptor.name} ${descriptor.version}`;
          throw new BundleArchitectureError({ package: named, architecture, reason: error.message }, { cause: error });
        });
        const { name, version, origin, contentDigest, size, path } = stored;
        const known = found.get(path)?.part;
        const sha512 = known?.sha512 ?? (await sha512Of(path));
        const of = [...(known?.of ?? []), { stack: row.digest, architecture }];
        found.set(path, {
          part: { kind: 'package', name, version, origin, contentDigest, of, size, sha512 },
          from: path,
        });
      }
  return [...found.values()];
}

async function agentContent(architecture: Architecture, agents: AgentBundles): Promise<Content> {
  const { path, sha256, version } = await agents.get(architecture);
  const { size } = await stat(path);
  return { part: { kind: 'agent', version, architecture, sha256, size, sha512: await sha512Of(path) }, from: path };
}

async function sha512Of(file: string): Promise<string> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
