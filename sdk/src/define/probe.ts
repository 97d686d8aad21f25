import type { Json, Probe } from '../manifest/expression.ts';
import { type Operand, type PortProperty, toExpression } from './expression.ts';

export type TcpProbe = Extract<Probe, { kind: 'tcp' }>;
export type JmxProbe = Extract<Probe, { kind: 'jmx' }>;
export type HttpProbe = Extract<Probe, { kind: 'http' }>;

type Port = PortProperty | number;

/** Healthy while the port accepts a connection. */
export function tcp(port: Port): TcpProbe {
  return { kind: 'tcp', port: toExpression(port) };
}

/** Healthy while `GET http://<address>:<port><path>` answers 2xx. */
export function http(port: Port, path: `/${string}`): HttpProbe {
  return { kind: 'http', port: toExpression(port), path };
}

/** The value at a dotted path of the JSON that the probe answers; with `expected`, healthy only while it is that. */
export function jsonPath(probe: HttpProbe, path: string, expected?: Json): HttpProbe & { json: string } {
  return { ...probe, json: path, ...(expected === undefined ? {} : { expect: expected }) };
}

/** An attribute of a bean at a JMX servlet such as Hadoop's `/jmx`; with `expected`, healthy only while it is that. */
export function jmx(
  port: Port,
  bean: string,
  attribute: string,
  { expected, path = '/jmx' }: { readonly expected?: Json; readonly path?: `/${string}` } = {},
): JmxProbe {
  return {
    kind: 'jmx',
    port: toExpression(port),
    path,
    bean,
    attribute,
    ...(expected === undefined ? {} : { expect: expected }),
  };
}

/** Healthy while a sample of the component's Prometheus endpoint is within bounds; `metric` may select labels. */
export function metric(
  port: Port,
  name: string,
  { min, max, path = '/metrics' }: { readonly min?: number; readonly max?: number; readonly path?: `/${string}` } = {},
): Probe {
  const bounds = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  return { kind: 'metric', port: toExpression(port), path, metric: name, ...bounds };
}

/** Healthy when a program ends with 0 in time. It is run without a shell, as the service's user. */
export function command(
  program: Operand,
  args: readonly Operand[] = [],
  {
    env = {},
    timeoutMs = 5_000,
  }: { readonly env?: Readonly<Record<string, Operand>>; readonly timeoutMs?: number } = {},
): Probe {
  return {
    kind: 'exec',
    program: toExpression(program),
    args: args.map(toExpression),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, toExpression(value)])),
    timeoutMs,
  };
}

/** Healthy while the declared process lives. */
export function alive(): Probe {
  return { kind: 'process' };
}

/** Charts by title, each naming a metric of the component's Prometheus endpoint. */
export function prometheus(
  port: PortProperty,
  charts: Readonly<Record<string, string>>,
  path: `/${string}` = '/metrics',
): { port: HttpProbe['port']; path: string; charts: Record<string, string> } {
  return { port: toExpression(port), path, charts: { ...charts } };
}
