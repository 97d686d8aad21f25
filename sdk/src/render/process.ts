import type { Expression, Json, Probe } from '../manifest/expression.ts';
import type { Inputs } from '../manifest/inputs.ts';
import type { ComponentManifest, ServiceManifest } from '../manifest/manifest.ts';
import { ExpressionError } from './errors.ts';
import { evaluate, type EvaluationContext, toText } from './evaluate.ts';

/** A probe with its address and port. */
export type ResolvedProbe =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
  | {
      readonly kind: 'http';
      readonly address: string;
      readonly port: number;
      readonly path: string;
      readonly json?: string | undefined;
      readonly expect?: Json | undefined;
    }
  | {
      readonly kind: 'jmx';
      readonly address: string;
      readonly port: number;
      readonly path: string;
      readonly attribute: string;
      readonly expect?: Json | undefined;
    }
  | {
      readonly kind: 'metric';
      readonly address: string;
      readonly port: number;
      readonly path: string;
      readonly metric: string;
      readonly label?: string | undefined;
      readonly min?: number | undefined;
      readonly max?: number | undefined;
    }
  | {
      readonly kind: 'exec';
      readonly program: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'process' };

/** A declared process as it is spawned on one host. */
export interface ProcessCommand {
  /** An absolute path, or a name to look up on PATH. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ready: ResolvedProbe;
  readonly readyMs: number;
  readonly stopMs: number;
}

interface Component {
  readonly service: ServiceManifest;
  readonly component: ComponentManifest;
  readonly inputs: Inputs;
}

/**
 * What to spawn for a component, or undefined where it has no process. An argument that is a list becomes one argument
 * per item; one without a value is left out. `java` is the JDK of `inputs.self.javaHome`, or on PATH where that is unknown.
 */
export function processCommand({ service, component, inputs }: Component): ProcessCommand | undefined {
  const { process } = component;
  if (!process) return undefined;
  const context: EvaluationContext = { service, inputs, place: 'process' };
  return {
    ...invocationOf(process, context),
    ready: resolveProbe(process.ready, context),
    readyMs: process.readyMs,
    stopMs: process.stopMs,
  };
}

interface Invocation {
  readonly program: Expression;
  readonly args: readonly Expression[];
  readonly env: Readonly<Record<string, Expression>>;
}

function invocationOf({ program, args, env }: Invocation, context: EvaluationContext) {
  const values = (expression: Expression): string[] => {
    const value = evaluate(expression, context);
    if (value === null) return [];
    return Array.isArray(value) ? value.map(toText) : [toText(value)];
  };
  return {
    program: programPath(toText(evaluate(program, context)), context),
    args: args.flatMap(values),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, toText(evaluate(value, context))])),
  };
}

/** A probe of a host component: its address is the host component's own. */
export function resolveProbe(probe: Probe, context: EvaluationContext): ResolvedProbe {
  if (probe.kind === 'process') return probe;
  if (probe.kind === 'exec') return { kind: 'exec', ...invocationOf(probe, context), timeoutMs: probe.timeoutMs };
  const address = context.inputs.self?.address;
  const port = evaluate(probe.port, context);
  if (address === undefined || typeof port !== 'number') {
    throw new ExpressionError(
      context.place ?? context.service.name,
      `a probe needs a port, not ${JSON.stringify(port)}`,
    );
  }
  if (probe.kind === 'tcp') return { kind: 'tcp', address, port };
  if (probe.kind === 'jmx') {
    const { bean, path, attribute, expect } = probe;
    return { kind: 'jmx', address, port, path: `${path}?qry=${encodeURIComponent(bean)}`, attribute, expect };
  }
  if (probe.kind === 'metric') {
    const { path, metric, min, max, label } = probe;
    return { kind: 'metric', address, port, path, metric, min, max, label };
  }
  return { kind: 'http', address, port, path: probe.path, json: probe.json, expect: probe.expect };
}

function programPath(program: string, context: EvaluationContext): string {
  if (program === 'java') {
    const home = context.inputs.self?.javaHome;
    return home === undefined ? program : `${home}/bin/java`;
  }
  if (program.startsWith('/') || !program.includes('/')) return program;
  return `${toText(evaluate({ self: 'packageDir' }, context))}/${program}`;
}
