import type { Invariant } from './invariant.ts';

/** Stands for a password in every envelope. */
export const CANARY = 'canary-4b1d';

export const noSecrets: Invariant = {
  name: 'I12',
  sentence: 'No message, alert or log line but the command itself says a secret.',
  checker: () => (observation) =>
    observation.kind === 'said' && observation.text.includes(CANARY)
      ? `${observation.by} said a secret: ${observation.text}`
      : undefined,
};
