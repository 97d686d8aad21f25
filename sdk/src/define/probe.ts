import type { Json, Probe } from '../manifest/expression.ts';
import { called } from './callSite.ts';
import { type Operand, type PortProperty, toExpression } from './expression.ts';

/** As `tcp` gives it. */
export type TcpProbe = Extract<Probe, { kind: 'tcp' }>;
/** As `jmx` gives it. */
export type JmxProbe = Extract<Probe, { kind: 'jmx' }>;
/** As `metric` and `labelOf` give it. */
export type MetricProbe = Extract<Probe, { kind: 'metric' }>;
/** As `http` and `jsonPath` give it. */
export type HttpProbe = Extract<Probe, { kind: 'http' }>;

/** A port: a property, or a number that never changes. */
export type Port = PortProperty | number;

/**
 * Healthy while the port accepts a connection.
 * @example
 * ready: tcp(zooCfg.clientPort)
 */
export function tcp(port: Port): TcpProbe {
  return called({ kind: 'tcp', port: toExpression(port) }, tcp);
}

/**
 * Healthy while `GET http://<address>:<port><path>` answers 2xx.
 * @example
 * health: { ruok: http(zooCfg.adminPort, '/commands/ruok') }
 */
export function http(port: Port, path: `/${string}`): HttpProbe {
  return called({ kind: 'http', port: toExpression(port), path }, http);
}

/**
 * The value at a dotted path of the JSON that the probe answers; with `expected`, healthy only while it is that.
 * @example
 * role: jsonPath(http(zooCfg.adminPort, '/commands/monitor'), 'server_state')
 */
export function jsonPath(probe: HttpProbe, path: string, expected?: Json): HttpProbe & { json: string } {
  return called({ ...probe, json: path, ...(expected === undefined ? {} : { expect: expected }) }, jsonPath);
}

/**
 * An attribute of a bean at a JMX servlet such as Hadoop's `/jmx`; with `expected`, healthy only while it is that.
 * @example
 * role: jmx(hdfs.httpPort, 'Hadoop:service=NameNode,name=NameNodeStatus', 'State')
 */
export function jmx(
  port: Port,
  bean: string,
  attribute: string,
  { expected, path = '/jmx' }: { readonly expected?: Json; readonly path?: `/${string}` } = {},
): JmxProbe {
  const answer = expected === undefined ? {} : { expect: expected };
  return called({ kind: 'jmx', port: toExpression(port), path, bean, attribute, ...answer }, jmx);
}

/**
 * Healthy while a sample of the component's Prometheus endpoint is within bounds; `metric` may select labels.
 * @example
 * health: { lag: metric(cfg.metricsPort, 'replica_lag', { max: 10 }) }
 */
export function metric(
  port: Port,
  name: string,
  { min, max, path = '/metrics' }: { readonly min?: number; readonly max?: number; readonly path?: `/${string}` } = {},
): MetricProbe {
  const bounds = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  return called<MetricProbe>({ kind: 'metric', port: toExpression(port), path, metric: name, ...bounds }, metric);
}

/**
 * What a label says of the first sample of a metric that is above 0, for products that tell their role that way.
 * @example
 * role: labelOf(metric(cfg.metricsPort, 'raft_state'), 'state')
 */
export function labelOf(probe: MetricProbe, label: string): MetricProbe & { label: string } {
  return called({ ...probe, label }, labelOf);
}

/**
 * Healthy when a program ends with 0 in time. It is run without a shell, as the service's user.
 * @example
 * health: { ping: command('redis-cli', ['-p', cfg.port, 'ping']) }
 */
export function command(
  program: Operand,
  args: readonly Operand[] = [],
  {
    env = {},
    timeoutMs = 5_000,
  }: { readonly env?: Readonly<Record<string, Operand>>; readonly timeoutMs?: number } = {},
): Probe {
  return called<Probe>(
    {
      kind: 'exec',
      program: toExpression(program),
      args: args.map(toExpression),
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, toExpression(value)])),
      timeoutMs,
    },
    command,
  );
}

/**
 * Healthy while the declared process lives.
 * @example
 * ready: alive()
 */
export function alive(): Probe {
  return { kind: 'process' };
}

/**
 * Charts by title, each naming a metric of the component's Prometheus endpoint.
 * @example
 * metrics: prometheus(zooCfg.metricsPort, { Znodes: 'znode_count' })
 */
export function prometheus(
  port: PortProperty,
  charts: Readonly<Record<string, string>>,
  path: `/${string}` = '/metrics',
): { port: HttpProbe['port']; path: string; charts: Record<string, string> } {
  return called({ port: toExpression(port), path, charts: { ...charts } }, prometheus);
}
