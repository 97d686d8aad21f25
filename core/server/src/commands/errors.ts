import { defineError } from '@stackyard/kernel';
import type { Notice } from '@stackyard/planner';

export class RenderFailedError extends defineError(
  'RENDER_FAILED',
  'Configs cannot be rendered',
  ({ service, reason }: { service: string; reason: string }) =>
    `The configs of ${service} cannot be rendered: ${reason}.`,
) {}

export class CommandRefusedError extends defineError(
  'PLAN_REFUSED',
  'The command is refused',
  ({ errors }: { errors: readonly Notice[] }) =>
    errors.length === 1 && errors[0]
      ? errors[0].message
      : `The command has ${errors.length} problems: ${errors.map(({ message }) => message).join(' ')}`,
) {}

export class PlanStaleError extends defineError(
  'PLAN_STALE',
  'The cluster changed since the plan was made',
  ({ cluster, basis, revision }: { cluster: string; basis: number; revision: number }) =>
    `The cluster ${cluster} is at revision ${revision}, the plan was made at ${basis}. Make a new plan and look at it.`,
) {}

export class PlanExpiredError extends defineError(
  'PLAN_EXPIRED',
  'The plan has expired',
  ({ plan }: { plan: string }) => `The plan ${plan} is older than an hour. Make a new one.`,
) {}

export class PlanExecutedError extends defineError(
  'PLAN_EXECUTED',
  'The plan was executed',
  ({ plan, job }: { plan: string; job: string }) => `The plan ${plan} was executed as job ${job}.`,
) {}

export class RetryRefusedError extends defineError(
  'RETRY_REFUSED',
  'A retry would run against another cluster',
  ({ job, cluster }: { job: string; cluster: string }) =>
    `Layout or configs of ${cluster} changed since job ${job} was made, so its tasks no longer fit. Plan the command again.`,
) {}

export class JobNotRetryableError extends defineError(
  'JOB_NOT_RETRYABLE',
  'The job cannot be retried',
  ({ job, state }: { job: string; state: string }) =>
    `Job ${job} is ${state}. Only a FAILED or CANCELED job can be retried.`,
) {}
