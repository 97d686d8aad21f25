import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Phase } from '@stackyard/domain';
import type { ActionManifest, ComponentManifest, ServiceManifest } from '@stackyard/sdk/manifest';
import type { CommandRequest } from '../command.ts';
import { PlanRefusedError } from '../errors.ts';
import { topologicalOrder } from '../graph/order.ts';
import { metadataOf } from '../metadata.ts';
import type { Plan, PlannedTask } from '../plan.ts';
import { client, cluster, component, config, property, Sample, service } from '../testing/sample.ts';

const HOSTS = ['h1', 'h2', 'h3', 'h4'];
const PHASES = ['install', 'configure', 'init', 'start', 'prepare', 'check'] as const;

const KINDS = [
  'add',
  'start',
  'stop',
  'restart',
  'check',
  'configure',
  'remove',
  'action',
  'decommission',
  'recommission',
] as const;

const ask: ActionManifest = {
  name: 'ask',
  title: 'Ask',
  help: '',
  input: [],
  on: 'each',
  timeout: 5,
  idempotent: false,
};

const dependency = fc.record({
  on: fc.constantFrom('c0', 'c1', 'c2', 's0/c0', 's0/c1', 's1/c0', 's1/c2'),
  phase: fc.constantFrom(...PHASES),
  after: fc.constantFrom(...PHASES),
});

const anyComponent = fc.record({
  isClient: fc.boolean(),
  lifecycle: fc.subarray(['init', 'prepare', 'check', 'reload', 'recommission'] as const),
  drains: fc.constantFrom('itself', 'c0', 'never'),
  rolling: fc.boolean(),
  after: fc.array(dependency, { maxLength: 2 }),
  effect: fc.constantFrom('none', 'reload', 'restart', 'rolling' as const),
});

/** Up to three services of up to three components; the dependencies are drawn freely and kept when they make sense. */
const manifests = fc
  .array(
    fc.record({
      components: fc.array(anyComponent, { minLength: 1, maxLength: 3 }),
      requiresFirst: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((drawn) => {
    let accepted: ServiceManifest[] = [];
    for (const [s, { components, requiresFirst }] of drawn.entries()) {
      const made = components.map(({ isClient, lifecycle, rolling, drains }, c): ComponentManifest => {
        const all: Partial<ComponentManifest> = {
          lifecycle: drains === 'never' ? lifecycle.filter((each) => each !== 'recommission') : lifecycle,
          rolling,
          cardinality: '0+',
          configs: [`c${c}.cfg`],
          actions: [ask],
          ...(drains === 'never' ? {} : { decommission: { timeout: 10, ...(drains === 'c0' ? { by: 'c0' } : {}) } }),
        };
        return isClient ? client(`c${c}`, all) : component(`c${c}`, all);
      });
      const configs = components.map(({ effect }, c) =>
        config(
          `c${c}.cfg`,
          [
            property('value', 'int', { default: { literal: 0 }, effect }),
            property('members', 'int', { default: { count: 'c0' } }),
            property('leaving', 'text', {
              default: { each: { component: `c${c}`, of: { self: 'host' }, separator: ',', only: 'leaving' } },
            }),
          ],
          { effect },
        ),
      );
      const requires = { services: s > 0 && requiresFirst ? [{ service: 's0', range: '*' }] : [] };
      accepted = [...accepted, service(`s${s}`, { components: made, configs, requires })];
      for (const [c, { after }] of components.entries()) {
        for (const one of after) accepted = withDependency(accepted, s, c, one);
      }
    }
    return accepted;
  });

function withDependency(
  services: ServiceManifest[],
  s: number,
  c: number,
  one: ComponentManifest['after'][number],
): ServiceManifest[] {
  const tried = services.map((it, i) => ({
    ...it,
    components: it.components.map((own, j) => (i === s && j === c ? { ...own, after: [...own.after, one] } : own)),
  }));
  return metadataOf(tried).problems.length === 0 ? tried : services;
}

const hosts = fc.subarray(HOSTS, { minLength: 1 });

type Draw = (services: readonly ServiceManifest[]) => CommandRequest;

const anyCommand: fc.Arbitrary<Draw> = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    service: fc.nat(2),
    component: fc.nat(2),
    hosts,
    wide: fc.boolean(),
    value: fc.nat(3),
  })
  .map(({ kind, service, component, hosts, wide, value }) => (services) => {
    const chosen = services[service % services.length]!;
    const own = chosen.components[component % chosen.components.length]!;
    const target = wide ? { service: chosen.name } : { service: chosen.name, component: own.name, hosts };
    if (kind === 'add')
      return { command: 'add', services: [{ service: chosen.name, components: { [own.name]: hosts } }] };
    if (kind === 'action') return { command: kind, target: { ...target, component: own.name }, action: ask.name };
    if (kind === 'decommission' || kind === 'recommission')
      return { command: kind, target: { service: chosen.name, component: own.name, hosts } };
    if (kind === 'remove') return { command: 'remove', target, data: 'keep' };
    if (kind !== 'configure') return { command: kind, target: wide ? {} : target };
    return { command: 'configure', target, config: { [own.configs[0]!]: { value } } };
  });

function addAll(services: readonly ServiceManifest[]): CommandRequest {
  return {
    command: 'add',
    services: services.map(({ name, components }) => ({
      service: name,
      components: Object.fromEntries(components.map((it, index) => [it.name, HOSTS.slice(index % 2)])),
    })),
  };
}

/** Runs what can be run of the commands and hands every plan to the check. */
function runAll(
  services: readonly ServiceManifest[],
  draws: readonly Draw[],
  check: (plan: Plan, sample: Sample) => void,
): void {
  const sample = new Sample(cluster({ hosts: HOSTS, manifests: [...services] }));
  for (const draw of [addAll, ...draws]) {
    try {
      check(sample.run(draw(services)), sample);
    } catch (error) {
      if (!(error instanceof PlanRefusedError)) throw error;
    }
  }
}

/** Whether one task comes before another, through joins or not. */
function orderIn({ graph }: Plan): (before: number, after: number) => boolean {
  const words = Math.ceil(graph.nodes / 32);
  const bits = new Uint32Array(graph.nodes * words);
  for (const node of topologicalOrder(graph)) {
    for (let edge = graph.offsets[node]!; edge < graph.offsets[node + 1]!; edge++) {
      const target = graph.targets[edge]!;
      for (let word = 0; word < words; word++) bits[target * words + word]! |= bits[node * words + word]!;
      bits[target * words + (node >>> 5)]! |= 1 << (node & 31);
    }
  }
  return (before, after) => ((bits[after * words + (before >>> 5)]! >>> (before & 31)) & 1) === 1;
}

function tasksOf({ tasks }: Plan, wanted: (task: PlannedTask) => boolean): number[] {
  return tasks.flatMap((task, index) => (wanted(task) ? [index] : []));
}

const scenario = fc.tuple(manifests, fc.array(anyCommand, { maxLength: 8 }));

test('every plan is acyclic, has each task once, and keeps the sequence of each host component', () => {
  fc.assert(
    fc.property(scenario, ([services, draws]) => {
      runAll(services, draws, (plan) => {
        const precedes = orderIn(plan);
        const last = new Map<string, number>();
        const wrong = plan.tasks.filter(({ hostComponentId }, task) => {
          const before = last.get(hostComponentId);
          last.set(hostComponentId, task);
          return before !== undefined && !precedes(before, task);
        });
        expect(wrong).toEqual([]);
        expect(new Set(plan.tasks.map((it) => `${it.hostComponentId} ${it.phase}`)).size).toBe(plan.tasks.length);
      });
    }),
    { numRuns: 150 },
  );
});

test('every declared dependency is respected when services are added, started or restarted', () => {
  fc.assert(
    fc.property(manifests, (services) => {
      const sample = new Sample(cluster({ hosts: HOSTS, manifests: services }));
      const added = sample.run(addAll(services));
      const restarted = sample.plan({ command: 'restart', target: {} });
      sample.run({ command: 'stop', target: {} });
      sample.change((it) => ({ ...it, once: [] }));
      const started = sample.plan({ command: 'start', target: {} });
      expect([...broken(added, services), ...broken(started, services)]).toEqual([]);
      // Components that take turns have an order of their own, tested below.
      const steady = services.map((it) => ({ ...it, components: it.components.filter(({ rolling }) => !rolling) }));
      expect(broken(restarted, steady)).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

/** Every pair of tasks that is not in the order the definitions ask for. */
function broken(plan: Plan, services: readonly ServiceManifest[]): string[] {
  const precedes = orderIn(plan);
  const names = new Set(services.flatMap((it) => it.components.map(({ name }) => `${it.name}/${name}`)));
  const of = (name: string, ...phases: Phase[]): number[] =>
    names.has(name) ? tasksOf(plan, (it) => `${it.service}/${it.component}` === name && phases.includes(it.phase)) : [];
  const pairs = (befores: number[], afters: number[]): string[] =>
    befores.flatMap((before) =>
      afters
        .filter((after) => !precedes(before, after))
        .map((after) => `${labelOf(plan, before)} before ${labelOf(plan, after)}`),
    );
  return services.flatMap((own) =>
    own.components.flatMap(({ name, after }) => {
      const self = `${own.name}/${name}`;
      const required = own.requires.services.flatMap(({ service }) =>
        [...names].filter((it) => it.startsWith(`${service}/`)),
      );
      return [
        ...after.flatMap(({ on, phase, after: other }) =>
          pairs(of(on.includes('/') ? on : `${own.name}/${on}`, other), of(self, phase)),
        ),
        ...required.flatMap((other) => pairs(of(other, 'start', 'check'), of(self, 'start'))),
        ...pairs(of(self, 'start'), of(self, 'check')),
        ...pairs(of(self, 'start'), of(self, 'prepare')),
        ...pairs(of(self, 'prepare'), of(self, 'check')),
        ...pairs(of(self, 'stop'), of(self, 'start')),
      ];
    }),
  );
}

function labelOf({ tasks }: Plan, task: number): string {
  const { service, component, hostId, phase } = tasks[task]!;
  return `${service}/${component} ${hostId} ${phase}`;
}

test('nothing waits that no definition asks to wait: there are no stages', () => {
  fc.assert(
    fc.property(manifests, fc.array(anyCommand, { maxLength: 4 }), (drawn, draws) => {
      const services = drawn.map((it) => ({
        ...it,
        requires: { services: [] },
        components: it.components.map((own) => ({ ...own, after: [], rolling: false, lifecycle: ['init' as const] })),
      }));
      runAll(services, draws, (plan) => {
        // Members that restart beside new ones, or are all down before the first is up, wait for one another.
        if (['remove', 'decommission', 'recommission'].includes(plan.request.command) || plan.restarts.length > 0)
          return;
        const precedes = orderIn(plan);
        const all = [...plan.tasks.keys()];
        const waiting = all.flatMap((before) =>
          all
            .filter((after) => plan.tasks[before]!.hostComponentId !== plan.tasks[after]!.hostComponentId)
            .filter((after) => precedes(before, after))
            .map((after) => `${labelOf(plan, before)} before ${labelOf(plan, after)}`),
        );
        expect(waiting).toEqual([]);
      });
    }),
  );
});

test('stop is the reverse of start', () => {
  fc.assert(
    fc.property(manifests, (services) => {
      const sample = new Sample(cluster({ hosts: HOSTS, manifests: services }));
      sample.run(addAll(services));
      const stop = sample.run({ command: 'stop', target: {} });
      const start = sample.run({ command: 'start', target: {} });
      const [stopsBefore, startsBefore] = [orderIn(stop), orderIn(start)];
      const starts = new Map(start.tasks.map((it, task) => [`${it.phase} ${it.hostComponentId}`, task]));
      const startOf = (stopTask: number): number => starts.get(`start ${stop.tasks[stopTask]!.hostComponentId}`)!;
      const all = [...stop.tasks.keys()];
      const wrong = all.flatMap((a) =>
        all
          .filter((b) => stopsBefore(a, b) !== startsBefore(startOf(b), startOf(a)))
          .map((b) => `${labelOf(stop, a)}, ${labelOf(stop, b)}`),
      );
      expect(wrong).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test('members that take turns never overlap, also while others are added or removed', () => {
  fc.assert(
    fc.property(scenario, ([services, draws]) => {
      const rolling = new Set(
        services.flatMap(({ name, components }) =>
          components.filter((it) => it.rolling).map((it) => `${name}/${it.name}`),
        ),
      );
      runAll(services, draws, (plan) => {
        const precedes = orderIn(plan);
        const restarting = new Set(plan.restarts);
        const turns = new Map<string, number[]>();
        for (const [task, it] of plan.tasks.entries()) {
          if (!restarting.has(it.hostComponentId) || !rolling.has(`${it.service}/${it.component}`)) continue;
          if (it.phase === 'stop' || it.phase === 'start') {
            turns.set(it.hostComponentId, [...(turns.get(it.hostComponentId) ?? []), task]);
          }
        }
        const members = [...turns.values()].map(([stop, start]) => ({
          stop: stop!,
          start: start!,
          it: plan.tasks[stop!]!,
        }));
        const overlapping = members.flatMap((one, index) =>
          members
            .slice(index + 1)
            .filter(({ it }) => it.service === one.it.service && it.component === one.it.component)
            .filter((other) => !precedes(one.start, other.stop) && !precedes(other.start, one.stop))
            .map((other) => `${labelOf(plan, one.stop)}, ${labelOf(plan, other.stop)}`),
        );
        expect(overlapping).toEqual([]);
      });
    }),
    { numRuns: 150 },
  );
});

test('removes come after all stops', () => {
  fc.assert(
    fc.property(scenario, ([services, draws]) => {
      runAll(services, draws, (plan, sample) => {
        const present = new Set(sample.hostComponents().map(({ id }) => id));
        const precedes = orderIn(plan);
        const stops = tasksOf(plan, (it) => it.phase === 'stop' && !present.has(it.hostComponentId));
        const early = tasksOf(plan, ({ phase }) => phase === 'remove').filter((remove) =>
          stops.some((stop) => !precedes(stop, remove)),
        );
        expect(early).toEqual([]);
      });
    }),
  );
});

test('edges stay linear in tasks and dependencies', () => {
  fc.assert(
    fc.property(scenario, ([services, draws]) => {
      const dependencies = metadataOf(services).edges.length;
      runAll(services, draws, ({ graph }) => {
        expect(graph.targets.length).toBeLessThanOrEqual(4 * graph.tasks + 8 * (dependencies + 1));
      });
    }),
  );
});

test('nothing is emptied before everybody has heard that it leaves, and somebody always stays', () => {
  fc.assert(
    fc.property(scenario, ([services, draws]) => {
      runAll(services, draws, (plan, sample) => {
        const drains = tasksOf(plan, ({ phase }) => phase === 'decommission' || phase === 'recommission');
        const precedes = orderIn(plan);
        const others = tasksOf(plan, ({ phase }) => phase !== 'decommission' && phase !== 'recommission');
        expect(drains.flatMap((drain) => others.filter((other) => !precedes(other, drain)))).toEqual([]);
        if (plan.request.command !== 'decommission' || drains.length === 0) return;
        const { component, service } = plan.request.target;
        const own = sample.hostComponents().filter((it) => it.component === component && it.service === service);
        expect(own.some(({ leaving, desired }) => leaving === undefined && desired !== 'ABSENT')).toBe(true);
      });
    }),
    { numRuns: 200 },
  );
});

test('an ordinal is handed out once, whatever is added and removed', () => {
  fc.assert(
    fc.property(scenario, ([services, draws]) => {
      const owners = new Map<string, string>();
      runAll(services, draws, (_, sample) => {
        for (const { service, id: serviceId, hostComponents } of sample.state.services.map((it) => ({
          ...it,
          service: it.name,
        }))) {
          for (const { component, ordinal, id } of hostComponents) {
            const key = `${serviceId} ${service}/${component} ${ordinal}`;
            expect(owners.get(key) ?? id).toBe(id);
            owners.set(key, id);
          }
        }
      });
    }),
  );
});
