import { defineError } from '@stackyard/kernel';

export class EgressRefusedError extends defineError(
  'EGRESS_REFUSED',
  'Not allowed to go there',
  ({ target, why }: { target: string; why: string }) => `Nothing is sent to ${target}: ${why}`,
) {}

export class EgressFailedError extends defineError(
  'EGRESS_FAILED',
  'No answer',
  ({ target, reason }: { target: string; reason: string }) => `${target} did not answer: ${reason}.`,
) {}
