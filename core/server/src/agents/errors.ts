import { defineError } from '@stackyard/kernel';

export class BundleUnavailableError extends defineError(
  'BUNDLE_UNAVAILABLE',
  'There is no agent for this processor',
  ({ architecture, reason }: { architecture: string; reason: string }) =>
    `There is no agent for ${architecture}: ${reason}`,
) {}

export class UpdateRunningError extends defineError(
  'UPDATE_RUNNING',
  'Agents are being updated',
  (_: Record<string, never>) => 'Agents are being updated already. Wait for the end of that.',
) {}
