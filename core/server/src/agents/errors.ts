import { defineError } from '@stackyard/kernel';

export class BundleUnavailableError extends defineError(
  'BUNDLE_UNAVAILABLE',
  'There is no agent for this processor',
  ({ architecture, reason }: { architecture: string; reason: string }) =>
    `There is no agent for ${architecture}: ${reason}`,
) {}
