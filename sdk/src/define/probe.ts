import type { Json, Probe } from '../manifest/expression.ts';
import { type PortProperty, toExpression } from './expression.ts';

export type TcpProbe = Extract<Probe, { kind: 'tcp' }>;
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
