import { ArtifactDigest, PackageName, PackageVersion } from '@stackyard/sdk/artifact';
import { z } from 'zod';

/** The first file of a bundle, which says what the others are. */
export const MANIFEST = 'bundle.json';
export const MAX_MANIFEST = 4 * 2 ** 20;

const Sha512 = z.string().regex(/^[0-9a-f]{128}$/);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Size = z.int().min(0);
const Architecture = z.enum(['x64', 'arm64']);

const StackPart = z.strictObject({
  kind: z.literal('stack'),
  name: PackageName,
  version: PackageVersion,
  size: Size,
  sha512: Sha512,
  deprecated: z.string().max(4_000).optional(),
});
const SignaturesPart = z.strictObject({
  kind: z.literal('signatures'),
  /** Of which stack. */
  stack: ArtifactDigest,
  size: Size,
  sha512: Sha512,
});
const PackagePart = z.strictObject({
  kind: z.literal('package'),
  name: z.string().max(200),
  version: z.string().max(200),
  origin: z.enum(['url', 'maven', 'pypi']),
  contentDigest: z.string().regex(/^sha256-[0-9a-f]{64}$/),
  /** Whose package it is, and for which hosts. */
  of: z
    .array(z.strictObject({ stack: ArtifactDigest, architecture: Architecture }))
    .min(1)
    .max(1_000),
  size: Size,
  sha512: Sha512,
});
const AgentPart = z.strictObject({
  kind: z.literal('agent'),
  version: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/),
  architecture: Architecture,
  sha256: Sha256,
  size: Size,
  sha512: Sha512,
});

/** A file of a bundle; its path follows from what it is. */
export const Part = z.discriminatedUnion('kind', [StackPart, SignaturesPart, PackagePart, AgentPart]);
export type Part = z.infer<typeof Part>;
export type PartOf<Kind extends Part['kind']> = Extract<Part, { kind: Kind }>;

export const BundleManifest = z.strictObject({ format: z.literal(1), parts: z.array(Part).min(1).max(5_000) });
export type BundleManifest = z.infer<typeof BundleManifest>;

const ENDS: Readonly<Record<Part['kind'], string>> = {
  stack: '.tgz',
  signatures: '.sig.json',
  package: '.tar.gz',
  agent: '.tar.gz',
};

/**
 * Where a part lies in its bundle. No text of a manifest but the half of a checked digest is in it: a name in a tar has
 * room for 100 characters.
 */
export function pathOf({ kind, sha512 }: Part): string {
  return `${kind}/${sha512.slice(0, 64)}${ENDS[kind]}`;
}

/** The manifest as it is written: in one order, whatever was named first. */
export function manifestText(parts: readonly Part[]): string {
  const sorted = parts.toSorted((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
  return `${JSON.stringify(BundleManifest.parse({ format: 1, parts: sorted }), undefined, 2)}\n`;
}
