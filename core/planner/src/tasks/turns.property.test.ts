import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Rolling } from '../command.ts';
import { forEachSuccessor } from '../graph/walk.ts';
import type { Plan } from '../plan.ts';
import { cluster, component, Sample, service } from '../testing/sample.ts';
import { batchSize } from './turns.ts';

const HOSTS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];
const one = service('one', {
  components: [component('leading', { rolling: true, lastRole: 'leader' }), component('free')],
  upgrade: { from: '*', backTo: '*' },
});
const versions = ['1.0.0', '1.1.0'].map((version) => ({
  name: '@stack/sample',
  version,
  digest: `sha512-${version}`,
  services: [{ ...one, version }],
}));

function running(leader: number): Sample {
  const sample = new Sample({ ...cluster({ hosts: HOSTS, manifests: [] }), stacks: versions });
  sample.run({
    command: 'add',
    services: [{ service: 'one', version: '1.0.0', components: { leading: HOSTS, free: HOSTS } }],
  });
  sample.change((each) => ({ ...each, role: each.ordinal === leader ? 'leader' : 'follower' }));
  return sample;
}

/** By task: all that come before it. */
function ancestors({ graph }: Plan): Set<number>[] {
  const before = Array.from({ length: graph.nodes }, () => new Set<number>());
  for (let changed = true; changed;) {
    changed = false;
    for (let node = 0; node < graph.nodes; node++) {
      forEachSuccessor(graph, node, (next) => {
        const size = before[next]!.size;
        before[next]!.add(node);
        for (const each of before[node]!) before[next]!.add(each);
        changed ||= before[next]!.size > size;
      });
    }
  }
  return before;
}

const rolling = fc.record(
  {
    batch: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constantFrom('25%' as const, '50%' as const, '100%' as const)),
    tolerate: fc.nat(3),
    pauseAfterFirst: fc.boolean(),
    order: fc.subarray(HOSTS),
  },
  { requiredKeys: [] },
) satisfies fc.Arbitrary<Rolling>;

const anyCommand = fc.constantFrom('restart', 'upgrade' as const);

function planOf(kind: 'restart' | 'upgrade', sample: Sample, asked?: Rolling): Plan {
  return sample.plan(
    kind === 'restart'
      ? { command: 'restart', target: { service: 'one' }, rolling: asked }
      : { command: 'upgrade', service: 'one', version: '1.1.0', rolling: asked },
  );
}

test('no more than a batch of a component is worked on at the same time, and each host component once', () => {
  fc.assert(
    fc.property(anyCommand, rolling, fc.integer({ min: 1, max: 6 }), (kind, asked, leader) => {
      const sample = running(leader);
      const plan = planOf(kind, sample, asked);
      const before = ancestors(plan);
      const size = batchSize(asked, HOSTS.length);
      for (const name of ['leading', 'free']) {
        const stops = plan.tasks.flatMap(({ phase, component }, task) =>
          phase === 'stop' && component === name ? [task] : [],
        );
        expect(stops).toHaveLength(HOSTS.length);
        for (const stop of stops) {
          const own = plan.tasks[stop]!.hostComponentId;
          const together = stops.filter((other) => !before[stop]!.has(other) && !before[other]!.has(stop));
          expect(together.length).toBeLessThanOrEqual(size);
          // Who came before was checked before.
          for (const other of stops.filter((each) => before[stop]!.has(each))) {
            const { hostComponentId } = plan.tasks[other]!;
            const check = plan.tasks.findIndex((it) => it.phase === 'check' && it.hostComponentId === hostComponentId);
            expect(before[stop]!.has(check)).toBe(true);
          }
          expect(plan.tasks.filter((it) => it.hostComponentId === own && it.phase === 'start')).toHaveLength(1);
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('the hosts that were named go first, and the role that is kept for the end comes last', () => {
  fc.assert(
    fc.property(anyCommand, fc.subarray(HOSTS), fc.integer({ min: 1, max: 6 }), (kind, order, leader) => {
      const sample = running(leader);
      const plan = planOf(kind, sample, order.length > 0 ? { order } : undefined);
      const names = sample.hostNames();
      const turns = plan.tasks
        .filter(({ phase, component }) => phase === 'stop' && component === 'leading')
        .map(({ hostId }) => names.get(hostId)!);
      const rest = HOSTS.filter((host) => !order.includes(host) && host !== `h${leader}`);
      const last = order.includes(`h${leader}`) ? [] : [`h${leader}`];
      expect(turns).toEqual([...order, ...rest, ...last]);
    }),
    { numRuns: 30 },
  );
});

test('an upgrade stops nothing before all that take turns are installed, and writes nothing before they are stopped', () => {
  fc.assert(
    fc.property(fc.option(rolling, { nil: undefined }), (asked) => {
      const plan = planOf('upgrade', running(1), asked);
      const before = ancestors(plan);
      for (const [task, { phase, component, hostComponentId }] of plan.tasks.entries()) {
        if (phase !== 'stop') continue;
        for (const [other, it] of plan.tasks.entries()) {
          if (it.phase === 'install' && it.component === component) expect(before[task]!.has(other)).toBe(true);
          if (it.phase === 'configure' && it.hostComponentId === hostComponentId) {
            expect(before[other]!.has(task)).toBe(true);
          }
        }
      }
    }),
    { numRuns: 20 },
  );
});

test('every batch ends in a gate that all of the next batch waits for', () => {
  fc.assert(
    fc.property(anyCommand, rolling, (kind, asked) => {
      const plan = planOf(kind, running(1), asked);
      const before = ancestors(plan);
      expect(plan.turns?.tolerate).toBe(asked.tolerate ?? 0);
      expect(plan.turns?.sequences).toHaveLength(2);
      for (const sequence of plan.turns?.sequences ?? []) {
        expect(sequence.filter(({ pauses }) => pauses)).toHaveLength(asked.pauseAfterFirst ? 1 : 0);
        for (const [index, { tasks, gate }] of sequence.entries()) {
          for (const task of tasks) expect(before[gate]!.has(task)).toBe(true);
          for (const task of sequence[index + 1]?.tasks ?? []) expect(before[task]!.has(gate)).toBe(true);
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('turns that nobody can take are refused, and those that leave nothing up are warned of', () => {
  const sample = running(1);
  expect(() => planOf('restart', sample, { order: ['h9'] })).toThrow('No host component on h9 takes a turn');
  expect(planOf('restart', sample, { batch: '100%' }).warnings.map(({ code }) => code)).toEqual([
    'ALL_DOWN',
    'ALL_DOWN',
  ]);
});
