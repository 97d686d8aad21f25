import { connect } from 'node:net';
import type { Json, Probe } from '@stackyard/sdk/manifest';
import { type ResolvedProbe, resolveProbe } from '@stackyard/sdk/render';
import { type Definition, userOf } from '../phases/context.ts';
import { type ExecProbe, ExecProbes } from './exec.ts';
import { judgeMetric } from './metric.ts';

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
  /** Who runs the programs of probes; without it each is run whenever it is asked for. */
  readonly programs?: ExecProbes;
}

const TIMEOUT_MS = 3_000;
const MAX_BODY_BYTES = 1024 * 1024;
/** Endpoints for Prometheus tell of every topic and region. */
const MAX_METRICS_BYTES = 16 * 1024 * 1024;

/** Asks a running component something, at its own address. Never throws: what goes wrong is an answer too. */
export async function ask(definition: Definition, probe: Probe, options: ProbeOptions): Promise<Answer> {
  try {
    const { inputs, service } = definition;
    const resolved = resolveProbe(probe, { inputs, service, place: 'probe' });
    return await askResolved(definition, resolved, options);
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
}

async function askResolved(definition: Definition, probe: ResolvedProbe, options: ProbeOptions): Promise<Answer> {
  const { timeoutMs = TIMEOUT_MS, programs = new ExecProbes(0) } = options;
  switch (probe.kind) {
    case 'process':
      return options.processAlive()
        ? { ok: true, message: 'The process runs.' }
        : { ok: false, message: 'The process does not run.' };
    case 'exec':
      return programs.ask(withJava(probe, definition), userOf(definition));
    case 'tcp':
      await connects({ ...probe, timeoutMs });
      return { ok: true, message: `${probe.address}:${probe.port} accepts connections.` };
    case 'http':
    case 'jmx':
    case 'metric':
      return askHttp(probe, timeoutMs);
  }
}

function withJava(probe: ExecProbe, { inputs }: Definition): ExecProbe {
  const { javaHome } = inputs.self;
  return javaHome ? { ...probe, env: { JAVA_HOME: javaHome, ...probe.env } } : probe;
}

type HttpKind = Extract<ResolvedProbe, { kind: 'http' | 'jmx' | 'metric' }>;

async function askHttp(probe: HttpKind, timeoutMs: number): Promise<Answer> {
  const { address, port, path, kind } = probe;
  const url = `http://${address}:${port}${path}`;
  const maxBytes = kind === 'metric' ? MAX_METRICS_BYTES : MAX_BODY_BYTES;
  const { status, body } = await fetchText({ address, port, path, timeoutMs, maxBytes });
  if (status < 200 || status > 299) return { ok: false, message: `${url} answers ${status}.` };
  if (kind === 'metric') return judgeMetric(probe, body, url);
  if (kind === 'http' && probe.json === undefined) return { ok: true, message: `${url} answers ${status}.` };
  let json: Json;
  try {
    json = JSON.parse(body) as Json;
  } catch {
    return { ok: false, message: `${url} does not answer with JSON.` };
  }
  if (kind === 'http')
    return judgeValue({ what: probe.json ?? '', url, value: atPath(json, probe.json ?? ''), expect: probe.expect });
  const bean = beanOf(json);
  if (bean === undefined) return { ok: false, message: `${url} knows no such bean.` };
  return judgeValue({ what: probe.attribute, url, value: memberOf(bean, probe.attribute), expect: probe.expect });
}

interface Judged {
  readonly what: string;
  readonly url: string;
  readonly value: Json | undefined;
  readonly expect: Json | undefined;
}

function judgeValue({ what, url, value, expect }: Judged): Answer {
  if (value === undefined) return { ok: false, message: `The answer of ${url} has no ${what}.` };
  if (expect === undefined || JSON.stringify(value) === JSON.stringify(expect)) {
    return { ok: true, value, message: `${what} of ${url} is ${JSON.stringify(value)}.` };
  }
  const expected = JSON.stringify(expect);
  return { ok: false, value, message: `${what} of ${url} is ${JSON.stringify(value)} instead of ${expected}.` };
}

/** A JMX servlet answers `{ beans: […] }`, with no bean where the name matches none. */
function beanOf(json: Json): Json | undefined {
  const beans = memberOf(json, 'beans');
  return Array.isArray(beans) ? (beans as readonly Json[])[0] : undefined;
}

function memberOf(json: Json | undefined, name: string): Json | undefined {
  if (json === undefined || json === null || typeof json !== 'object' || !Object.hasOwn(json, name)) return undefined;
  return (json as Readonly<Record<string, Json>>)[name];
}

function atPath(json: Json, path: string): Json | undefined {
  return path.split('.').reduce<Json | undefined>(memberOf, json);
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

export interface Asked extends Where {
  readonly path: string;
  readonly maxBytes?: number;
  /** GET when absent. */
  readonly method?: string | undefined;
  /** What is sent, as JSON. */
  readonly json?: Json | undefined;
}

/** Asks over plain HTTP; the body as text, at most 1 MiB unless told. @throws an Error whose message says what is wrong, and where */
export async function fetchText(asked: Asked): Promise<{ status: number; body: string }> {
  const { address, port, path, timeoutMs, maxBytes = MAX_BODY_BYTES, method = 'GET', json } = asked;
  // Not by an import: that also loads what the module has for rare use, such as `fetch`, which takes 20 ms.
  const { request } = process.getBuiltinModule('node:http');
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`http://${address}:${port}${path} ${why}.`));
    const sent = json === undefined ? undefined : JSON.stringify(json);
    const headers = {
      accept: 'application/json, */*',
      connection: 'close',
      ...(sent !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
    };
    const call = request({ host: address, port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > maxBytes) call.destroy(new Error(`answers with more than ${maxBytes / 1024 / 1024} MiB`));
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
    call.end(sent);
  });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return 'refuses connections';
  return error.code ? `cannot be reached (${error.code})` : error.message;
}
