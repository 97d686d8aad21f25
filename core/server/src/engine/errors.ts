import { defineError } from '@stackyard/kernel';

export class WriterStoppedError extends defineError(
  'ENGINE_STOPPED',
  'The server is stopping',
  () => 'The server is stopping, so the change was not stored. Try again when it is back.',
) {}

export class JobNotFoundError extends defineError(
  'ENGINE_JOB_NOT_FOUND',
  'No such job',
  ({ jobId }: { jobId: string }) => `There is no job ${jobId}. List jobs to see their ids.`,
) {}

export class JobNotRetryableError extends defineError(
  'ENGINE_JOB_NOT_RETRYABLE',
  'Job cannot be retried',
  ({ jobId, state }: { jobId: string; state: string }) =>
    `Job ${jobId} is ${state}. Only a job that FAILED or was CANCELED can be retried.`,
) {}

export class JobNotPausedError extends defineError(
  'JOB_NOT_PAUSED',
  'The job does not wait to be resumed',
  ({ jobId }: { jobId: string }) =>
    `Job ${jobId} does not wait after a first batch. Only a job that was asked to pause there, and has come there, can be resumed.`,
) {}

export class AttemptIdError extends defineError(
  'ENGINE_ATTEMPT_ID',
  'Malformed attempt id',
  ({ attemptId }: { attemptId: string }) =>
    `"${attemptId.slice(0, 80)}" is not the id of an attempt. It must be <task id>/<number>.`,
) {}
