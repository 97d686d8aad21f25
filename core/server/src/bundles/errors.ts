import { defineError } from '@stackyard/kernel';

export class BundleInvalidError extends defineError(
  'BUNDLE_INVALID',
  'The bundle cannot be used',
  ({ reason }: { reason: string }) =>
    `The bundle is refused: ${reason}. Nothing of it was used. Copy it again, or make it anew by "stackyard bundle create".`,
) {}

export class BundleNotFoundError extends defineError(
  'BUNDLE_NOT_FOUND',
  'No such bundle waits',
  ({ id }: { id: string }) =>
    `No bundle ${id} waits to be imported: it was imported or given up, or the server was started again. Send it again.`,
) {}

export class BundleLimitError extends defineError(
  'BUNDLE_LIMIT',
  'Too many bundles wait',
  ({ limit }: { limit: number }) => `${limit} bundles wait to be imported already. Import them or give them up first.`,
) {}

export class BundleDiskFullError extends defineError(
  'BUNDLE_DISK_FULL',
  'The disk of the server is full',
  ({ dir }: { dir: string }) =>
    `The bundle could not be kept: the disk that holds ${dir} is full. Free space there and send it again.`,
) {}

export class BundleArchitectureError extends defineError(
  'BUNDLE_ARCHITECTURE',
  'A package has nothing for an architecture',
  ({ package: name, architecture, reason }: { package: string; architecture: string; reason: string }) =>
    `The bundle cannot be made: ${name} for ${architecture}: ${reason}`,
) {}
