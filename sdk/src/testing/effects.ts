import type { Host, PropertyHandle } from '../define/host.ts';
import type { Json, PropertyRef } from '../manifest/expression.ts';
import type { Inputs } from '../manifest/inputs.ts';
import type { ComponentManifest, ServiceManifest } from '../manifest/manifest.ts';
import { configDir, hostPath, logDir, packageDir } from '../paths.ts';
import { evaluate } from '../render/evaluate.ts';
import { didYouMean } from '../render/nearest.ts';
import { renderComponent } from '../render/render.ts';
import { ImpossibleScenarioError } from './errors.ts';
import type { World } from './world.ts';

/** What a phase did, recorded. */
export interface Effects {
  files: Record<string, string>;
  readonly programs: { readonly program: string; readonly args: readonly string[] }[];
  readonly log: string[];
  once: string[];
}

interface Scene {
  readonly world: World;
  readonly service: ServiceManifest;
  readonly component: ComponentManifest;
  readonly inputs: Inputs;
  readonly timeoutMs: number;
}

/** A host that records instead of acting. Waiting takes no time, but counts against the phase's timeout. */
export function simulatedHost(scene: Scene, effects: Effects): Host {
  const { world, service, component, inputs } = scene;
  const { self } = inputs;
  const ended = new AbortController();
  let waitedMs = 0;
  const key = (name: string): string => `${self.hostComponentId} ${name}`;
  return {
    self,
    signal: ended.signal,
    paths: {
      config: configDir(self),
      log: logDir(self),
      packages: Object.fromEntries(service.packages.map((p) => [p.name, packageDir(self.root, p.name, p.version)])),
    },
    log: (message) => void effects.log.push(message),
    instances: ({ name }) => {
      const found = inputs.instances[name];
      if (!found) throw new ImpossibleScenarioError(`service ${service.name} has no component ${name}.`);
      return found;
    },
    get: <V>(property: PropertyHandle<V>) => evaluate({ property: property.ref }, { service, inputs }) as V,
    run: async (program, ...args) => {
      effects.programs.push({ program, args });
      const line = [program, ...args].join(' ');
      const said = world.prints.findLast(({ program: part }) => line.includes(part))?.said ?? '';
      if (said instanceof Error) throw said;
      return { stdout: said, stderr: '' };
    },
    script: async (path) => {
      if (!world.scripts.includes(path)) {
        const hint = didYouMean(path, world.scripts);
        throw new ImpossibleScenarioError(`the stack has no script ${path}${hint || '; add it, or correct the path.'}`);
      }
      effects.programs.push({ program: path, args: [] });
      return { stdout: '', stderr: '' };
    },
    write: async (path, content) => {
      effects.files[hostPath('/', path)] = content;
    },
    render: async (...configs) => {
      const names = configs.map(({ path }) => path.expression.configPath);
      Object.assign(effects.files, renderedFiles(scene, names));
    },
    fetchJson: async (port, path, { address } = {}) => answer(scene, { port, path, address }),
    connects: async () => Object.hasOwn(world.processes, `${self.host} ${service.name}/${component.name}`),
    wait: async (ms) => {
      waitedMs += ms;
      if (waitedMs > scene.timeoutMs) ended.abort(new Error(`${component.name} is out of time.`));
      ended.signal.throwIfAborted();
    },
    once: async (name, step) => {
      if (effects.once.includes(key(name))) return;
      await step();
      effects.once.push(key(name));
    },
  };
}

/** Files of the component by path; those of some configs only, when named. */
export function renderedFiles(
  { world, service, component, inputs }: Scene,
  configs: readonly string[],
): Record<string, string> {
  const files = renderComponent({ service, component, templates: world.templates, inputs });
  const chosen = configs.length === 0 ? files : files.filter(({ config }) => config && configs.includes(config));
  return Object.fromEntries(chosen.map(({ path, content }) => [path, content]));
}

function answer(
  { world, service, inputs }: Scene,
  { port, path, address }: { readonly port: number; readonly path: string; readonly address?: string | undefined },
): Json {
  const others = Object.values(inputs.instances).flat();
  const host =
    address === undefined ? inputs.self.host : (others.find((other) => other.address === address)?.host ?? address);
  const fits = (at: number | PropertyRef | undefined): boolean => {
    if (at === undefined || typeof at === 'number') return at === undefined || at === port;
    const owner = others.find((other) => other.host === host);
    const self = owner ? { ...inputs.self, ...owner } : inputs.self;
    const differing = Object.entries(owner?.overrides ?? {});
    const values = {
      ...inputs.values,
      ...Object.fromEntries(differing.map(([config, own]) => [config, { ...inputs.values[config], ...own }])),
    };
    const isOwn = service.configs.some(({ name }) => name === at.config);
    return isOwn && evaluate({ property: at }, { service, inputs: { ...inputs, self, values } }) === port;
  };
  const found = world.answers.findLast(
    (each) => each.path === path && (each.host === undefined || each.host === host) && fits(each.port),
  );
  if (found === undefined) throw new Error(`http://${host}:${port}${path} refuses the connection.`);
  return found.json;
}
