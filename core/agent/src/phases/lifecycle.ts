import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Phase } from '@stackyard/domain';
import type { ComponentFunctions, Host, LifecycleBundle } from '@stackyard/sdk';
import type { Instance, Json } from '@stackyard/sdk/manifest';
import { configDir, logDir } from '@stackyard/sdk/render';
import { lifecycleFile, scriptFile } from '../artifacts/store.ts';
import { PhaseError } from '../errors.ts';
import { connects, fetchText } from '../probes/probe.ts';
import { loadModule } from '../spool/loadModule.ts';
import { renderFiles, secretFileMode, writeFiles } from './configure.ts';
import { packagesOf, type PhaseContext, valueOf } from './context.ts';
import { ownerOf, writeAtomically } from './files.ts';
import type { OnceMarkers } from './once.ts';
import type { PhaseOrder } from './order.ts';
import { runProgram } from './programs.ts';

const CONNECT_MS = 5_000;
/** What a NameNode tells of a thousand DataNodes is more than a probe may get. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;

/** What the stack does in a phase. What it gives back is told where the phase is an action. */
export type StackFunction = (host: Host) => Promise<Json | void> | Json | void;

/** The stack's own function for the phase; undefined where the definition names none. */
export async function lifecycleFunction(context: PhaseContext): Promise<StackFunction | undefined> {
  const { component, service, phase, artifact, order } = context;
  const owner = order.drain?.component ?? component.name;
  const finder = FINDERS[phase];
  if (!finder && !(component.lifecycle as readonly Phase[]).includes(phase)) return undefined;
  const file = lifecycleFile(artifact);
  const name = `${service.name}/${owner}`;
  const bundle = existsSync(file) ? ((await loadModule(file)) as { default?: LifecycleBundle }).default : {};
  const functions = bundle?.[name];
  const found = finder ? functions && finder(functions, order) : functions?.phases?.[phase];
  if (found) return found;
  const what = order.action ? `action ${order.action.name}` : `phase ${phase}`;
  throw new PhaseError(`The stack promises a function for ${what} of ${name}, but lifecycle.mjs has none.`);
}

type Finder = (functions: ComponentFunctions, order: PhaseOrder) => StackFunction | undefined;

/** Phases that exist only as functions of the stack, with what they get beside the host. */
const FINDERS: Partial<Record<Phase, Finder>> = {
  action: ({ actions = {} }, { action }) => {
    const run = action && Object.hasOwn(actions, action.name) ? actions[action.name] : undefined;
    return run && ((host) => run(host, action?.input ?? {}));
  },
  decommission: ({ decommission }, { drain }) => decommission && ((host) => decommission(host, drain?.instances ?? [])),
  recommission: ({ recommission }, { drain }) => recommission && ((host) => recommission(host, drain?.instances ?? [])),
};

/** All that a lifecycle function may touch, made of the task's context. */
export function makeHost(context: PhaseContext, once: OnceMarkers): Host {
  const { inputs, signal } = context;
  const { self } = inputs;
  const packages = Object.fromEntries(packagesOf(context).map(({ name, dir }) => [name, dir]));
  const run = (program: string, ...args: string[]) => {
    context.log(`$ ${[program, ...args].join(' ')}`);
    return runProgram(context, program, args);
  };
  const at = (port: number, options: { address?: string; timeoutMs?: number } = {}) => ({
    port,
    address: options.address ?? self.address,
    timeoutMs: options.timeoutMs ?? CONNECT_MS,
  });
  return {
    self,
    paths: { config: configDir(self), log: logDir(self), packages },
    signal,
    log: (message) => context.log(message),
    instances: ({ name }) => instancesOf(context, name),
    get: (({ ref }) => valueOf(context, { property: ref }, 'host.get')) as Host['get'],
    run,
    script: (path, env = {}) => {
      context.log(`$ ${path}`);
      return runProgram(context, '/bin/sh', [scriptFile(context.artifact, path)], { env });
    },
    write: async (path, content, { mode: wanted, owner } = {}) => {
      const isSecret = context.secrets.some((secret) => content.includes(secret));
      const mode = isSecret ? secretFileMode(wanted) : (wanted ?? 0o644);
      await writeAtomically(path, content, { mode, owner: await ownerOf(context, owner) });
      context.log(`Wrote ${path}.`);
    },
    render: async (...configs) => {
      const names = configs.map(({ path }) => path.expression.configPath);
      const files = (await renderFiles(context)).filter(({ config }) =>
        names.length === 0 ? config !== undefined : config !== undefined && names.includes(config),
      );
      await writeFiles(context, files);
    },
    fetchJson: async (port, path, options) => {
      const { method, body: json } = options ?? {};
      const asked = { ...at(port, options), path, method, json, maxBytes: MAX_JSON_BYTES };
      const { status, body } = await fail(fetchText(asked));
      const url = `http://${asked.address}:${port}${path}`;
      if (status < 200 || status > 299) throw new PhaseError(`${url} answers ${status}${clipped(body)}.`);
      if (body === '') return null;
      try {
        return JSON.parse(body) as Json;
      } catch (error) {
        throw new PhaseError(`${url} does not answer with JSON.`, { cause: error });
      }
    },
    connects: (port, options) =>
      connects(at(port, options)).then(
        () => true,
        () => false,
      ),
    wait: (ms) => delay(ms, undefined, { signal }),
    once: (name, step) => once.run(name, step),
  };
}

function instancesOf({ inputs, service }: PhaseContext, component: string): readonly Instance[] {
  const list = inputs.instances[component];
  if (list) return list.toSorted((a, b) => a.ordinal - b.ordinal);
  if (service.components.some(({ name }) => name === component)) return [];
  throw new PhaseError(`Service ${service.name} has no component ${component}.`);
}

/** The beginning of an answer that refuses, for a sentence: products say there what they miss. */
function clipped(body: string): string {
  const line = body.replaceAll(/\s+/g, ' ').trim();
  return line === '' ? '' : `: ${line.length > 300 ? `${line.slice(0, 299)}…` : line}`;
}

async function fail<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw new PhaseError((error as Error).message, { cause: error });
  }
}
