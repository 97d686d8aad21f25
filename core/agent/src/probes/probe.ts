import { connect } from 'node:net';
import type { Json, Probe } from '@stackyard/sdk/manifest';
import { evaluate } from '@stackyard/sdk/render';
import type { Definition } from '../phases/context.ts';

/** The answer of a probe. `value` is what it found, where it looks for something. */
export interface Answer {
  readonly ok: boolean;
  readonly value?: Json | undefined;
  /** One sentence, also when all is well. */
  readonly message: string;
}

export interface ProbeOptions {
  /** Whether the declared process lives; asked only by probes about it. */
  readonly processAlive: () => boolean;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 3_000;
const MAX_BODY_BYTES = 1024 * 1024;

/** Asks a running component something, at its own address. Never throws: what goes wrong is an answer too. */
export async function ask(definition: Definition, probe: Probe, options: ProbeOptions): Promise<Answer> {
  const { timeoutMs = TIMEOUT_MS } = options;
  if (probe.kind === 'process') {
    return options.processAlive()
      ? { ok: true, message: 'The process runs.' }
      : { ok: false, message: 'The process does not run.' };
  }
  if (probe.kind !== 'tcp' && probe.kind !== 'http') {
    return { ok: false, message: `This agent cannot ask by ${probe.kind}. Update the agent.` };
  }
  try {
    const { inputs, service } = definition;
    const port = Number(evaluate(probe.port, { inputs, service, place: 'probe' }));
    const where = { address: inputs.self.address, port, timeoutMs };
    if (probe.kind === 'tcp') {
      await connects(where);
      return { ok: true, message: `${where.address}:${port} accepts connections.` };
    }
    const { status, body } = await get({ ...where, path: probe.path });
    return judge(probe, status, body, `http://${where.address}:${port}${probe.path}`);
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
}

function judge(probe: Extract<Probe, { kind: 'http' }>, status: number, body: string, url: string): Answer {
  if (status < 200 || status > 299) return { ok: false, message: `${url} answers ${status}.` };
  if (probe.json === undefined) return { ok: true, message: `${url} answers ${status}.` };
  let value: Json | undefined;
  try {
    value = atPath(JSON.parse(body) as Json, probe.json);
  } catch {
    return { ok: false, message: `${url} does not answer with JSON.` };
  }
  if (value === undefined) return { ok: false, message: `The answer of ${url} has no ${probe.json}.` };
  if (probe.expect === undefined || JSON.stringify(value) === JSON.stringify(probe.expect)) {
    return { ok: true, value, message: `${probe.json} of ${url} is ${JSON.stringify(value)}.` };
  }
  const expected = JSON.stringify(probe.expect);
  return { ok: false, value, message: `${probe.json} of ${url} is ${JSON.stringify(value)} instead of ${expected}.` };
}

function atPath(json: Json, path: string): Json | undefined {
  let at: Json | undefined = json;
  for (const key of path.split('.')) {
    if (at === null || typeof at !== 'object') return undefined;
    at = (at as Readonly<Record<string, Json>>)[key];
  }
  return at;
}

export interface Where {
  readonly address: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** Opens a TCP connection and closes it again. @throws an Error whose message says what is wrong, and where */
export function connects({ address, port, timeoutMs }: Where): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(`${address}:${port} ${why}.`));
    };
    socket.setTimeout(timeoutMs, () => fail(`did not answer within ${timeoutMs} ms`));
    socket.on('error', (error: NodeJS.ErrnoException) => fail(reasonOf(error)));
    socket.on('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

/** GET over plain HTTP; the body as text, at most 1 MiB. @throws an Error whose message says what is wrong, and where */
export async function get({
  address,
  port,
  path,
  timeoutMs,
}: Where & { path: string }): Promise<{ status: number; body: string }> {
  // Loaded when it is needed: it is a third of the time that a runner takes to start.
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`http://${address}:${port}${path} ${why}.`));
    const headers = { accept: 'application/json, */*', connection: 'close' };
    const call = request({ host: address, port, path, method: 'GET', headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > MAX_BODY_BYTES) call.destroy(new Error('answers with more than 1 MiB'));
      });
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body });
      });
      response.on('error', (error: NodeJS.ErrnoException) => fail(reasonOf(error)));
    });
    const timer = setTimeout(() => call.destroy(new Error(`did not answer within ${timeoutMs} ms`)), timeoutMs);
    call.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      fail(reasonOf(error));
    });
    call.end();
  });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return 'refuses connections';
  return error.code ? `cannot be reached (${error.code})` : error.message;
}
