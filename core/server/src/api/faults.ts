import type { Route } from '@stackyard/contract';
import { type Logger, StackyardError } from '@stackyard/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import {
  BodyTooLargeError,
  MalformedBodyError,
  MalformedRequestError,
  MediaTypeError,
  UnavailableError,
  ValidationFailedError,
} from './errors.ts';
import { problemOf } from './problem.ts';

/** Bytes of a body. */
export const BODY_LIMIT = 1_048_576;

/** Answers an error as application/problem+json. @returns the status. */
export function sendProblem(log: Logger, error: unknown, request: FastifyRequest, reply: FastifyReply): number {
  const { route } = request.routeOptions.config as { route?: Route };
  const problem = problemOf(known(error), request.id, route?.refusals);
  if (problem.status >= 500)
    log.error({ err: error, requestId: request.id, method: request.method, url: request.url }, 'Request failed');
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  if (problem.status === 503) reply.header('retry-after', '5');
  reply.code(problem.status).header('content-type', 'application/problem+json').send(JSON.stringify(problem));
  return problem.status;
}

/** Errors of the framework, the validator and the database in our own words; anything else stays what it is. */
export function known(error: unknown): unknown {
  if (error instanceof StackyardError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    return new ValidationFailedError({
      errors: error.validation.map(({ instancePath, message = 'is not valid', keyword }) => ({
        pointer:
          error.validationContext === 'body' ? instancePath || '/' : `${error.validationContext ?? ''}${instancePath}`,
        code: keyword,
        message,
      })),
    });
  }
  const {
    code = '',
    statusCode = 500,
    message = '',
  } = error as { code?: string; statusCode?: number; message?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new BodyTooLargeError({ limit: BODY_LIMIT });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new MediaTypeError({ type: 'of an unknown type', wanted: 'application/json' });
  if (
    code === 'FST_ERR_CTP_EMPTY_JSON_BODY' ||
    code === 'FST_ERR_CTP_INVALID_JSON_BODY' ||
    error instanceof SyntaxError
  )
    return new MalformedBodyError({ reason: message });
  // A path that cannot be decoded, a content-length that is none, and their like.
  if (code.startsWith('FST_') && statusCode >= 400 && statusCode < 500)
    return new MalformedRequestError({ reason: message });
  if (isConnectionLost(error))
    return new UnavailableError({ reason: 'The database does not answer.' }, { cause: error });
  if (isFull(error))
    return new UnavailableError(
      { reason: 'The database cannot store anything: its disk, its memory or its connections are used up.' },
      { cause: error },
    );
  return error;
}

/** SQLSTATEs of class 53: insufficient resources. */
function isFull(error: unknown): boolean {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 4; cause = cause.cause, depth++) {
    if ('severity' in cause && 'code' in cause && /^53...$/.test(String(cause.code))) return true;
  }
  return false;
}

/** SQLSTATEs of classes 08 (connection) and 57P (the server is stopping or starting), and what sockets say. */
const CONNECTION_LOST = /^(08...|57P0[1-3]|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|ETIMEDOUT)$/;

function isConnectionLost(error: unknown): boolean {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 4; cause = cause.cause, depth++) {
    if (!('code' in cause) && /Connection terminated|timeout exceeded when trying to connect/.test(cause.message))
      return true;
    const code = (cause as { code?: unknown }).code;
    const ofDatabase =
      'severity' in cause || ('syscall' in cause && ['connect', 'read', 'write'].includes(String(cause.syscall)));
    if (ofDatabase && typeof code === 'string' && CONNECTION_LOST.test(code)) return true;
  }
  return false;
}
