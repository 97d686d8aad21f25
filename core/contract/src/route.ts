import type { Readable } from 'node:stream';
import { type ErrorClass, token } from '@stackyard/kernel';
import type { z } from 'zod';
import type { Permission, Principal } from './principal.ts';

/** One message of an event stream; `id` is what a client sends back as Last-Event-ID. */
export interface StreamMessage {
  readonly id?: string;
  readonly event?: string;
  readonly data: unknown;
}

/** What a handler answers: a JSON body, a text, or a stream of messages. */
export interface Answer<Body = unknown> {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** text/event-stream; ends when the iterable ends or the client goes. */
  readonly messages?: AsyncIterable<StreamMessage>;
  /** Bytes as they come, with `content-type` given in `headers`. */
  readonly bytes?: Readable;
}

/** What a handler is given: parsed and checked input, who asks, and when to stop. */
export interface RouteRequest<P = unknown, Q = unknown, B = unknown> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The bytes of an `upload`, as they come; whoever takes no more of them ends the request. */
  readonly content: AsyncIterable<Uint8Array>;
  readonly principal: Principal;
  readonly requestId: string;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

type Parsed<T> = T extends z.ZodType ? z.output<T> : undefined;

/**
 * One operation of the REST API. Everything about it is declared: who may, what is audited, what comes in and goes out;
 * the OpenAPI description is made from it.
 */
export interface Route<
  P extends z.ZodType | undefined = z.ZodType | undefined,
  Q extends z.ZodType | undefined = z.ZodType | undefined,
  B extends z.ZodType | undefined = z.ZodType | undefined,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Under /api/v1 unless `root` is true; parameters as `:name`. */
  readonly url: string;
  readonly root?: boolean;
  /** verbNoun, unique. */
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly permission: Permission;
  /** What the audit trail says happened, such as `cluster.create`; `none` only for reads. */
  readonly audit: string;
  /** The cluster of the object that a request names. */
  readonly clusterOf?: (request: RouteRequest<Parsed<P>, Parsed<Q>, Parsed<B>>) => Promise<string | undefined>;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Its body is bytes of this media type, at most so many; then there is no `body`. */
  readonly upload?: { readonly media: string; readonly maxBytes: number };
  /** Schema by status of what it answers when it succeeds; `undefined` for no body. */
  readonly answers: Readonly<
    Record<
      number,
      {
        readonly description: string;
        readonly schema?: z.ZodType;
        readonly example?: unknown;
        readonly stream?: boolean;
        readonly text?: boolean;
        /** The media type of an answer of `bytes`. */
        readonly media?: string;
      }
    >
  >;
  /** Codes of problems it may answer besides those every route may. */
  readonly problems?: readonly number[];
  /** The status of errors that the server does not know, because they are the plugin's own. */
  readonly refusals?: readonly { readonly error: Pick<ErrorClass<never>, 'code' | 'title'>; readonly status: number }[];
  /** POST that creates or runs: takes an Idempotency-Key. */
  readonly idempotent?: boolean;
  /** Needs If-Match. */
  readonly ifMatch?: boolean;
  readonly handle: (request: RouteRequest<Parsed<P>, Parsed<Q>, Parsed<B>>) => Promise<Answer>;
}

/** Writes a route so that its handler gets the types of its schemas. */
export function defineRoute<
  const P extends z.ZodType | undefined = undefined,
  const Q extends z.ZodType | undefined = undefined,
  const B extends z.ZodType | undefined = undefined,
>(route: Route<P, Q, B>): Route {
  return route;
}

/** Extension point: operations that a plugin adds to the server. */
export interface Routes {
  readonly routes: readonly Route[];
}
export const Routes = token<Routes>('contract.Routes');
