import { cpus, totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type ClusterState,
  type CommandRequest,
  GraphBuilder,
  inputsOf,
  layout,
  plan,
  type TaskGraph,
  topologicalOrder,
} from '@stackyard/planner';
import type { ServiceManifest } from '@stackyard/sdk/manifest';
import { DirectedGraph } from 'graphology';
import { topologicalSort } from 'graphology-dag';

/** One measured figure: what the rounds gave, lowest to highest. */
export interface PlannerFigure {
  readonly name: string;
  readonly unit: 'ms' | 'MB' | 'ratio';
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export interface PlannerBenchOptions {
  readonly rounds?: number;
  /** Receives each figure as soon as it is there. */
  readonly report?: (figure: PlannerFigure) => void;
}

/** Nodes of one layer; each node but those of the first layer waits for two of the layer before. */
const LAYER = 100;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/**
 * Planning speed: building and ordering a layered graph of 10k, 100k and 1M tasks, beside graphology in the same run
 * at 10k and 100k; then the whole of layout, inputs and plan for an add and a restart on 1,000 and 10,000 hosts.
 */
export function benchPlanner({ rounds = 7, report = () => undefined }: PlannerBenchOptions = {}): PlannerFigure[] {
  const figures: PlannerFigure[] = [];
  const note = (name: string, unit: PlannerFigure['unit'], values: readonly number[]): number => {
    const sorted = values.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)]!;
    const figure = { name, unit, min: sorted[0]!, median, max: sorted.at(-1)! };
    figures.push(figure);
    report(figure);
    return median;
  };
  for (const tasks of [10_000, 100_000, 1_000_000]) {
    const own = measured(rounds, () => orderOwn(tasks));
    const ownTime = note(`graph of ${label(tasks)} tasks, build and order`, 'ms', own.ms);
    const ownHeap = note(`graph of ${label(tasks)} tasks, memory`, 'MB', [own.mb]);
    if (tasks > 100_000) continue;
    const theirs = measured(Math.min(rounds, 3), () => orderByGraphology(tasks));
    const theirTime = note(`  the same by graphology`, 'ms', theirs.ms);
    const theirHeap = note(`  the same by graphology, memory`, 'MB', [theirs.mb]);
    note(`  time, ours by graphology's`, 'ratio', [ownTime / theirTime]);
    note(`  memory, ours by graphology's`, 'ratio', [ownHeap / theirHeap]);
  }
  for (const hosts of [1_000, 10_000]) {
    const empty = clusterOf(hosts);
    const add = measured(rounds, () => planWhole(empty, ADD, counter()));
    note(`add on ${label(hosts)} hosts: layout, inputs and plan`, 'ms', add.ms);
    const running = runningOf(layout(empty, ADD, { newId: counter() }).next);
    for (const request of COMMANDS) {
      const times = measured(rounds, () => planWhole(running, request, counter()));
      note(`${request.command} on ${label(hosts)} hosts: layout and plan`, 'ms', times.ms);
    }
  }
  return figures;
}

/** Keeps what a round made until its memory is measured. */
const held: unknown[] = [];

/** The times of the rounds, and what the first one, which warms the compiler up and is not timed, left in memory. */
function measured(rounds: number, run: () => unknown): { ms: number[]; mb: number } {
  const ms: number[] = [];
  const before = memory();
  held.push(run());
  const mb = (memory() - before) / 1e6;
  for (let round = 0; round < rounds; round++) {
    held.length = 0;
    collectGarbage();
    const begin = performance.now();
    held.push(run());
    ms.push(performance.now() - begin);
  }
  held.length = 0;
  return { ms, mb };
}

function memory(): number {
  // Array buffers are given back in the background of one collection and counted in the next.
  for (let round = 0; round < 3; round++) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** The two nodes of the layer before that a node waits for. */
function predecessors(node: number): readonly [number, number] {
  const layer = Math.floor(node / LAYER) - 1;
  const own = node % LAYER;
  return [layer * LAYER + own, layer * LAYER + ((own * 7 + 3) % LAYER)];
}

function orderOwn(tasks: number): { graph: TaskGraph; order: Uint32Array } {
  const builder = new GraphBuilder(2 * tasks);
  for (let node = 0; node < tasks; node++) builder.addTask();
  for (let node = LAYER; node < tasks; node++) for (const before of predecessors(node)) builder.edge(before, node);
  const graph = builder.toGraph();
  return { graph, order: topologicalOrder(graph) };
}

function orderByGraphology(tasks: number): { graph: DirectedGraph; order: string[] } {
  const graph = new DirectedGraph();
  for (let node = 0; node < tasks; node++) graph.addNode(node);
  for (let node = LAYER; node < tasks; node++) for (const before of predecessors(node)) graph.mergeEdge(before, node);
  return { graph, order: topologicalSort(graph) };
}

/** A daemon on every host, beside a client, and a master on three that they start after. */
const SERVICE: ServiceManifest = {
  name: 'bench',
  title: 'Bench',
  version: '1.0.0',
  user: 'bench',
  packages: [],
  requires: { services: [] },
  configs: [
    {
      name: 'bench.cfg',
      format: 'properties',
      file: true,
      effect: 'restart',
      properties: [
        { name: 'port', type: 'port', help: 'Port', effect: 'restart', default: { literal: 7000 } },
        {
          name: 'masters',
          type: 'text',
          help: 'Masters',
          effect: 'restart',
          default: { hostPorts: { component: 'master', port: { config: 'bench.cfg', property: 'port' } } },
        },
      ],
    },
  ],
  components: [
    component('master', { cardinality: '3' }),
    component('daemon', { after: [{ on: 'master', phase: 'start', after: 'check' }] }),
    component('client', { category: 'client', process: undefined, lifecycle: [] }),
  ],
  exports: {},
};

const ADD: CommandRequest = { command: 'add', services: [{ service: 'bench' }] };
const COMMANDS: readonly CommandRequest[] = [
  { command: 'restart', target: {} },
  { command: 'stop', target: {} },
];

type Component = ServiceManifest['components'][number];

function component(name: string, fields: Partial<Component>): Component {
  return {
    name,
    title: name,
    category: 'server',
    cardinality: 'all',
    configs: ['bench.cfg'],
    files: [],
    dirs: [],
    process: {
      program: { literal: 'java' },
      args: [],
      env: {},
      ready: { kind: 'process' },
      readyMs: 60_000,
      stopMs: 30_000,
    },
    lifecycle: ['check'],
    after: [],
    rolling: false,
    timeouts: {},
    idempotent: {},
    health: {},
    links: {},
    ...fields,
  };
}

function clusterOf(hosts: number): ClusterState {
  return {
    id: 'c1',
    name: 'bench',
    hosts: Array.from({ length: hosts }, (_, index) => ({
      id: `host-${index}`,
      name: `node${index}.example`,
      address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
      bind: '0.0.0.0',
      root: '/',
      local: false,
      reachable: true,
      clusterId: 'c1',
      privileged: true,
      facts: { cpus: 8, memory: 64 * 1024 ** 3, disk: 10 ** 12, java: [] },
    })),
    services: [],
    stacks: [{ name: '@stack/bench', version: '1.0.0', digest: 'sha512-x', services: [SERVICE] }],
  };
}

function runningOf(state: ClusterState): ClusterState {
  const services = state.services.map((service) => ({
    ...service,
    hostComponents: service.hostComponents.map((it) => ({
      ...it,
      desired: 'RUNNING' as const,
      observed: 'RUNNING' as const,
    })),
  }));
  return { ...state, services };
}

function planWhole(state: ClusterState, request: CommandRequest, newId: () => string) {
  // A new object, so that nothing derived from an earlier round is found again.
  const fresh = { ...state };
  const laidOut = layout(fresh, request, { newId });
  if (request.command === 'add') {
    for (const service of laidOut.next.services) {
      for (const { id } of service.hostComponents) inputsOf(laidOut.next, service, id);
    }
  }
  return plan(fresh, laidOut, [], request);
}

function counter(): () => string {
  let last = 0;
  return () => `id-${++last}`;
}

function label(count: number): string {
  return count.toLocaleString('en');
}

/** A figure as one line of a table. */
export function plannerLine({ name, unit, min, median, max }: PlannerFigure): string {
  const digits = unit === 'ratio' ? 3 : 1;
  const [low, middle, high] = [min, median, max].map((value) => value.toFixed(digits).padStart(9));
  return `${name.padEnd(56)} ${unit.padEnd(5)} ${low} ${middle} ${high}`;
}

if (import.meta.main) {
  const machine = `${cpus()[0]?.model ?? 'unknown'} × ${cpus().length}, ${Math.round(totalmem() / 1024 ** 3)} GiB`;
  console.log(`Planner, Node ${process.versions.node}, ${machine}, ${new Date().toISOString().slice(0, 10)}`);
  console.log(`${''.padEnd(62)} ${['min', 'median', 'max'].map((it) => it.padStart(9)).join(' ')}`);
  benchPlanner({ report: (figure) => console.log(plannerLine(figure)) });
}
