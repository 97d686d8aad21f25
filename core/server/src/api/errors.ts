import { defineError } from '@stackyard/kernel';
import type { ProblemDetail } from './problem.ts';

export class ValidationFailedError extends defineError(
  'VALIDATION_FAILED',
  'The request is not valid',
  ({ errors }: { errors: readonly ProblemDetail[] }) =>
    errors.length === 1 && errors[0]
      ? `${errors[0].pointer ?? 'The request'}: ${errors[0].message}.`
      : `The request has ${errors.length} problems; see "errors".`,
) {}

export class MalformedBodyError extends defineError(
  'MALFORMED_BODY',
  'The body cannot be read',
  ({ reason }: { reason: string }) => `The body is not valid JSON: ${reason}.`,
) {}

export class MalformedRequestError extends defineError(
  'MALFORMED_REQUEST',
  'The request cannot be read',
  ({ reason }: { reason: string }) =>
    `The request cannot be read: ${reason.replace(/\.$/, '')}. Check its path and headers.`,
) {}

export class CursorInvalidError extends defineError(
  'CURSOR_INVALID',
  'The cursor is not valid',
  (_: Record<string, never>) => 'The cursor is not one that this list gave. Start again without it.',
) {}

export class UnauthenticatedError extends defineError(
  'UNAUTHENTICATED',
  'Not signed in',
  (_: Record<string, never>) =>
    'Send a token as "Authorization: Bearer <token>". The first start of the server wrote one to the file that its log names.',
) {}

export class ForbiddenError extends defineError(
  'FORBIDDEN',
  'Not allowed',
  ({ action, resource }: { action: string; resource: string }) => `This needs the permission to ${action} ${resource}.`,
) {}

export class NotFoundError extends defineError(
  'NOT_FOUND',
  'Not found',
  ({ what, name }: { what: string; name: string }) => `There is no ${what} ${name}.`,
) {}

export class RouteNotFoundError extends defineError(
  'ROUTE_NOT_FOUND',
  'No such route',
  ({ method, path }: { method: string; path: string }) =>
    `${method} ${path} is not part of the API. It is described at /api/v1/docs.`,
) {}

export class PreconditionRequiredError extends defineError(
  'PRECONDITION_REQUIRED',
  'If-Match is needed',
  ({ what }: { what: string }) =>
    `Send the ETag of the ${what} you read as If-Match, so that nobody's change is overwritten.`,
) {}

export class PreconditionFailedError extends defineError(
  'PRECONDITION_FAILED',
  'It changed meanwhile',
  ({ what, current }: { what: string; current: string }) =>
    `The ${what} is now at ${current}. Read it again and repeat the change on top of it.`,
) {}

export class IdempotencyMismatchError extends defineError(
  'IDEMPOTENCY_MISMATCH',
  'Idempotency-Key used for another request',
  ({ key }: { key: string }) =>
    `The Idempotency-Key ${key} was used for a request with another method, path or body. Use a new key.`,
) {}

export class IdempotencyInProgressError extends defineError(
  'IDEMPOTENCY_IN_PROGRESS',
  'The first request is still running',
  ({ key }: { key: string }) =>
    `The request with the Idempotency-Key ${key} has not been answered yet. Repeat this one in a moment.`,
) {}

export class NotAcceptableError extends defineError(
  'NOT_ACCEPTABLE',
  'Only an event stream is offered',
  (_: Record<string, never>) => 'This answers text/event-stream only. Send it as Accept.',
) {}

export class BodyTooLargeError extends defineError(
  'BODY_TOO_LARGE',
  'The body is too large',
  ({ limit }: { limit: number }) => `A body may have ${limit} bytes.`,
) {}

export class MediaTypeError extends defineError(
  'MEDIA_TYPE',
  'Unknown media type',
  ({ type, wanted }: { type: string; wanted: string }) => `The body is ${type}; send ${wanted}.`,
) {}

export class UploadStalledError extends defineError(
  'UPLOAD_STALLED',
  'The body did not come in time',
  ({ seconds }: { seconds: number }) => `No byte of the body came for ${seconds} s, so it was given up. Send it again.`,
) {}

export class UploadBrokenError extends defineError(
  'UPLOAD_BROKEN',
  'The body broke off',
  (_: Record<string, never>) => 'The connection broke before the whole body had come. Send it again.',
) {}

export class UnavailableError extends defineError(
  'UNAVAILABLE',
  'Not available now',
  ({ reason }: { reason: string }) => `${reason} Try again in a few seconds.`,
) {}

export class InternalError extends defineError(
  'INTERNAL',
  'Internal error',
  ({ requestId }: { requestId: string }) =>
    `The server failed to answer. Its log has the cause under request ${requestId}.`,
) {}
