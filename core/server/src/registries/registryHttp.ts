import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { BadRedirect, get, type HttpLimits, NoWayOut, shown } from '../packages/http.ts';
import {
  RegistryAccessError,
  RegistryAnswerError,
  RegistryInsecureError,
  RegistryTooLargeError,
  RegistryUnreachableError,
} from './errors.ts';
import { addressFault, type RegistrySettings } from './settings.ts';

const LIMITS: HttpLimits = { connectTimeoutMs: 10_000, idleTimeoutMs: 30_000, redirects: 3 };

export interface Ask {
  readonly registry: RegistrySettings;
  readonly url: URL;
  readonly accept: string;
  readonly signal: AbortSignal;
}

/**
 * Asks a registry: only addresses that the operator has named, its token only on its own host.
 *
 * @returns the answer, whatever its status but 401 and 403. The caller consumes or destroys it.
 */
export async function ask({ registry, url, accept, signal }: Ask): Promise<IncomingMessage> {
  const { name } = registry;
  refuseForeign(registry, url);
  const token = await tokenOf(registry);
  const headersFor = (at: URL) => ({
    accept,
    'accept-encoding': 'identity',
    ...(token !== undefined && at.host === new URL(registry.url).host && { authorization: `Bearer ${token}` }),
  });
  const answer = await get(url, headersFor, {
    signal,
    limits: LIMITS,
    onRedirect: (to) => refuseForeign(registry, to),
  }).catch((error: unknown) => {
    if (signal.aborted || error instanceof RegistryInsecureError) throw error;
    const { message, code } = error as NodeJS.ErrnoException;
    if (error instanceof BadRedirect) throw new RegistryAnswerError({ registry: name, reason: message });
    const reason = error instanceof NoWayOut ? message : (code ?? message);
    throw new RegistryUnreachableError({ registry: name, url: shown(url.origin), reason }, { cause: error });
  });
  const { statusCode: status = 0 } = answer;
  if (status === 401 || status === 403) {
    answer.destroy();
    throw new RegistryAccessError({ registry: name, status, hasToken: token !== undefined });
  }
  return answer;
}

/** As `ask`, a JSON answer in memory; undefined for 404. */
export async function askJson(asked: Ask, { maxBytes, what }: { maxBytes: number; what: string }): Promise<unknown> {
  const answer = await ask(asked);
  const { name } = asked.registry;
  try {
    if (answer.statusCode === 404) return undefined;
    if (answer.statusCode !== 200)
      throw new RegistryAnswerError({ registry: name, reason: `answers ${answer.statusCode}` });
    const parts: Buffer[] = [];
    for await (const part of bytesOf(answer, { registry: asked.registry, what, maxBytes })) parts.push(part);
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new RegistryAnswerError({ registry: name, reason: `sends no JSON as ${what}` });
    throw error;
  } finally {
    answer.destroy();
  }
}

/** The bytes of an answer, no more than allowed. */
export async function* bytesOf(
  answer: IncomingMessage,
  { registry: { name, url }, what, maxBytes }: { registry: RegistrySettings; what: string; maxBytes: number },
): AsyncGenerator<Buffer> {
  let bytes = 0;
  const chunks = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    const next = await chunks.next().catch((error: unknown) => {
      const reason = `the answer broke off: ${(error as Error).message}`;
      throw new RegistryUnreachableError({ registry: name, url: shown(url), reason }, { cause: error });
    });
    if (next.done) return;
    bytes += next.value.length;
    if (bytes > maxBytes) throw new RegistryTooLargeError({ registry: name, what, limit: maxBytes });
    yield next.value;
  }
}

function refuseForeign(registry: RegistrySettings, url: URL): void {
  const reason = addressFault(registry, url);
  if (reason !== undefined)
    throw new RegistryInsecureError({ registry: registry.name, url: `${url.protocol}//${url.host}`, reason });
}

async function tokenOf({ name, token, tokenFile }: RegistrySettings): Promise<string | undefined> {
  if (token !== undefined || tokenFile === undefined) return token;
  const text = await readFile(tokenFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new RegistryAnswerError({ registry: name, reason: `has a token file that cannot be read (${error.code})` });
  });
  return text.trim();
}
