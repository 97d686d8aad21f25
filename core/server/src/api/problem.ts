import type { Route } from '@stackyard/contract';
import { StackyardError } from '@stackyard/kernel';
import { z } from 'zod';
import { InternalError } from './errors.ts';

/** One reason of several, with the place in the request body it is about. */
export const ProblemDetail = z.strictObject({
  pointer: z.string().optional().describe('JSON pointer into the request body, or the name of a parameter'),
  code: z.string(),
  message: z.string(),
});

/** RFC 9457, with a stable code, the id of the request and every reason at once. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    requestId: z.string(),
    errors: z.array(ProblemDetail).optional(),
  })
  .meta({ id: 'Problem', description: 'What went wrong, where, and what to do about it' });
export type Problem = z.infer<typeof Problem>;
export type ProblemDetail = z.infer<typeof ProblemDetail>;

/** The HTTP status of an error code. A code that is not here is a fault of the server: 500. */
export const statusOf: Readonly<Record<string, number>> = {
  VALIDATION_FAILED: 400,
  MALFORMED_BODY: 400,
  MALFORMED_REQUEST: 400,
  CURSOR_INVALID: 400,
  UPLOAD_BROKEN: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  ROUTE_NOT_FOUND: 404,
  STACK_NOT_FOUND: 404,
  ENGINE_JOB_NOT_FOUND: 404,
  REGISTRY_NOT_FOUND: 404,
  REGISTRY_STACK_NOT_FOUND: 404,
  REGISTRY_VERSION_NOT_FOUND: 404,
  BUNDLE_NOT_FOUND: 404,
  NOT_ACCEPTABLE: 406,
  UPLOAD_STALLED: 408,
  NAME_TAKEN: 409,
  PLAN_STALE: 409,
  PLAN_EXECUTED: 409,
  RETRY_REFUSED: 409,
  JOB_NOT_RETRYABLE: 409,
  ENGINE_JOB_NOT_RETRYABLE: 409,
  JOB_NOT_PAUSED: 409,
  CLUSTER_NOT_EMPTY: 409,
  CLUSTER_BUSY: 409,
  HOST_IN_USE: 409,
  ROTATION_STEP: 409,
  AGENTS_BEHIND: 409,
  STACK_CONFLICT: 409,
  STACK_IN_USE: 409,
  KEY_KNOWN: 409,
  KEY_STATE: 409,
  PUBLISHER_SCOPES: 409,
  REGISTRY_NONE: 409,
  REGISTRY_SCOPE: 409,
  BUNDLE_LIMIT: 409,
  IDEMPOTENCY_IN_PROGRESS: 409,
  PLAN_EXPIRED: 410,
  PRECONDITION_FAILED: 412,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE: 415,
  PLAN_REFUSED: 422,
  RENDER_FAILED: 422,
  STACK_REFUSED: 422,
  STACK_UNTRUSTED: 422,
  ARTIFACT_REFUSED: 422,
  KEY_LINE: 422,
  STACK_PACKAGE: 422,
  STACK_PACKAGE_EMPTY: 422,
  REGISTRY_INTEGRITY: 422,
  BUNDLE_INVALID: 422,
  BUNDLE_ARCHITECTURE: 422,
  PACKAGE_DESCRIPTOR: 422,
  PACKAGE_ORIGIN: 422,
  PACKAGE_CHECKSUM: 422,
  PACKAGE_PIN: 422,
  PACKAGE_ARCHIVE: 422,
  PACKAGE_SIZE: 422,
  IDEMPOTENCY_MISMATCH: 422,
  PRECONDITION_REQUIRED: 428,
  INTERNAL: 500,
  REGISTRY_UNREACHABLE: 502,
  REGISTRY_ACCESS: 502,
  REGISTRY_ANSWER: 502,
  REGISTRY_TOO_LARGE: 502,
  REGISTRY_INSECURE: 502,
  UNAVAILABLE: 503,
  ENGINE_STOPPED: 503,
  DATABASE_EPOCH_LOST: 503,
  BUNDLE_DISK_FULL: 507,
  PACKAGE_DISK_FULL: 507,
};

/** An error with several reasons, each with its place. */
interface WithErrors {
  readonly errors?: readonly ProblemDetail[];
}

/**
 * The problem of an error. What the server did not foresee becomes INTERNAL without a word of its cause: that goes to
 * the log under the same request id.
 *
 * @param refusals the route's own: codes of a plugin
 */
export function problemOf(error: unknown, requestId: string, refusals: Route['refusals'] = []): Problem {
  const code = error instanceof StackyardError ? error.code : '';
  const status = statusOf[code] ?? refusals.find(({ error: known }) => known.code === code)?.status;
  if (!(error instanceof StackyardError) || status === undefined)
    return problemOf(new InternalError({ requestId }), requestId);
  const errors = (error as StackyardError & WithErrors).errors ?? (error.fields as WithErrors).errors;
  return {
    type: `/api/v1/problems#${error.code}`,
    title: (error.constructor as { title?: string }).title ?? error.code,
    status,
    detail: error.message,
    code: error.code,
    requestId,
    ...(errors && errors.length > 0 ? { errors: [...errors] } : {}),
  };
}
