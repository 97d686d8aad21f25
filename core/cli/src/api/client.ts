import { randomUUID } from 'node:crypto';
import createClient, { type Client, type Middleware } from 'openapi-fetch';
import { CliError, NotSignedInError, type Problem, ProblemError, ServerUnreachableError } from '../errors.ts';
import type { paths } from './gen/schema.ts';

/** Where a server is and who asks. */
export interface Connection {
  /** http://host:port, without a path. */
  readonly url: string;
  readonly token: string | undefined;
}

/** The REST API, typed by its OpenAPI description. */
export type Api = Client<paths> & { readonly connection: Connection };

/** A client of a server. It sends an Idempotency-Key with every POST, so that nothing runs twice when an answer is lost. */
export function apiOf(connection: Connection, fetching: typeof fetch = fetch): Api {
  const client = createClient<paths>({
    baseUrl: connection.url,
    fetch: (request) => reach(connection, () => fetching(request)),
  });
  client.use(signed(connection));
  return Object.assign(client, { connection });
}

export function headersOf({ token }: Connection): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function signed(connection: Connection): Middleware {
  return {
    onRequest({ request }) {
      for (const [name, value] of Object.entries(headersOf(connection))) request.headers.set(name, value);
      if (request.method === 'POST' && !request.headers.has('idempotency-key')) {
        request.headers.set('idempotency-key', randomUUID());
      }
      return request;
    },
  };
}

/** @throws ServerUnreachableError instead of "fetch failed". */
export async function reach(connection: Connection, ask: () => Promise<Response>): Promise<Response> {
  try {
    return await ask();
  } catch (error) {
    if ((error as Error).name === 'AbortError' || (error as Error).name === 'TimeoutError') throw error;
    throw new ServerUnreachableError(connection.url, reasonOf(error), { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause;
  const inner = cause instanceof AggregateError ? (cause.errors[0] as Error) : cause;
  return (
    (inner as { code?: string } | undefined)?.code ?? (inner as Error | undefined)?.message ?? (error as Error).message
  );
}

interface Answer<Data> {
  readonly data?: Data | undefined;
  readonly error?: unknown;
  readonly response: Response;
}

/** The body of an answer. @throws ProblemError for a refusal, NotSignedInError with what to do about it. */
export async function answerOf<Data>(asked: Promise<Answer<Data>>): Promise<NonNullable<Data>> {
  const { data, error, response } = await asked;
  if (!response.ok) throw refusal(error, response);
  return data as NonNullable<Data>;
}

/** As `answerOf`, with the ETag of what was read. */
export async function taggedAnswerOf<Data>(
  asked: Promise<Answer<Data>>,
): Promise<{ data: NonNullable<Data>; etag: string }> {
  const answer = await asked;
  return { data: await answerOf(Promise.resolve(answer)), etag: answer.response.headers.get('etag') ?? '' };
}

/** The error of a refused request. */
export function refusal(body: unknown, response: Response): CliError {
  if (response.status === 401) {
    return new NotSignedInError(
      `The server at ${new URL(response.url).origin} does not know this token. Set STACKYARD_TOKEN_FILE to the file that the server named when it started.`,
    );
  }
  if (isProblem(body)) return new ProblemError(body);
  return new CliError(
    `The server at ${response.url} answered ${response.status} ${response.statusText}, which is not its API.`,
  );
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body && 'status' in body;
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** Everything that a list has, page by page. */
export async function allOf<Item>(
  ask: (query: { limit: string; cursor?: string }) => Promise<Answer<Page<Item>>>,
  { atMost = Number.POSITIVE_INFINITY }: { readonly atMost?: number } = {},
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null | undefined;
  do {
    const limit = String(Math.min(500, atMost - items.length));
    const page: Page<Item> = await answerOf(ask(cursor ? { limit, cursor } : { limit }));
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor && items.length < atMost);
  return items;
}
