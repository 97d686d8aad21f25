import { noTasks } from '@stackyard/domain';
import { encodeGraph, GraphBuilder } from '@stackyard/planner';
import type { JobPlan, LayerPlan, Scenario, TaskPlan } from '../scenario/scenario.ts';
import { START_MS } from './host.ts';
import type { Wanted } from './ledger.ts';
import type { Request } from './requests.ts';
import type { JobRow, TaskRow } from './rows.ts';

export type Submission = Extract<Request, { kind: 'submit' }>;

/** Ids say what they are: kind, job, task. */
export function uuid(kind: number, ...numbers: readonly number[]): string {
  const [first = 0, second = 0] = numbers;
  const part = (value: number, length: number): string => value.toString(16).padStart(length, '0');
  return `${part(kind, 8)}-${part(first, 4)}-7000-8000-${part(second, 12)}`;
}

export const hostId = (index: number): string => uuid(1, index);
export const clusterId = (index: number): string => uuid(2, index);
export const jobId = (name: number): string => uuid(3, name);
export const taskId = (job: number, name: number): string => uuid(4, job, name);

/** Ids in a text as names: host0, job1, job1.task2. */
export function legible(text: string): string {
  return text.replace(/0000000([1-5])-([0-9a-f]{4})-7000-8000-([0-9a-f]{12})/g, (_id, kind, first, second) => {
    const number = Number.parseInt(String(first), 16);
    const name = `${kinds[Number(kind)]}${number}`;
    return Number(kind) < 4 ? name : `job${number}.task${Number.parseInt(String(second), 16)}`;
  });
}

const kinds = ['', 'host', 'cluster', 'job', 'job', 'component'];

/** A job as the server's API would store it: its graph by the planner, its rows. */
export function submissionOf(plan: JobPlan): Submission {
  const placed = placedTasks(plan);
  const createdAt = new Date(START_MS);
  const job: JobRow = {
    id: jobId(plan.name),
    clusterId: clusterId(plan.cluster),
    position: 0,
    command: 'start',
    title: `job ${plan.name}`,
    request: {} as JobRow['request'],
    state: 'PENDING',
    reason: null,
    cancelRequested: false,
    pause: null,
    basis: 1,
    graph: Buffer.from(encodeGraph(graphOf(plan.layers))),
    snapshot: { services: [], leaving: [], files: {} } as unknown as JobRow['snapshot'],
    taskCount: placed.length,
    counts: { ...noTasks, PENDING: placed.length },
    createdBy: 'simulation',
    createdAt,
    startedAt: null,
    finishedAt: null,
  };
  const tasks = placed.map((task, node): TaskRow => ({
    id: taskId(plan.name, task.name),
    jobId: job.id,
    node,
    clusterId: job.clusterId,
    hostId: hostId(task.host),
    hostComponentId: uuid(5, plan.name, task.name),
    service: 'service',
    component: 'component',
    // What `configure` was told to write is asked for again when its result comes.
    phase: task.name % 3 === 0 ? 'configure' : 'check',
    timeoutMs: task.timeoutMs,
    idempotent: task.idempotent,
    deleteData: false,
    state: 'PENDING',
    reason: null,
    attempts: 1,
    startedAt: null,
    finishedAt: null,
  }));
  return { kind: 'submit', job, tasks };
}

/** What each task must wait for, said again without the planner: it is what the order of starts is judged by. */
export function wantedOf({ jobs }: Scenario): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const job of jobs) {
    let before: readonly TaskPlan[] = [];
    for (const { barrier, tasks } of job.layers) {
      for (const plan of tasks) {
        const after = barrier ? before : before.filter(({ host }) => host === plan.host);
        wanted.set(taskId(job.name, plan.name), {
          taskId: taskId(job.name, plan.name),
          jobId: jobId(job.name),
          clusterId: clusterId(job.cluster),
          host: plan.host,
          plan,
          job,
          after: after.map(({ name }) => taskId(job.name, name)),
        });
      }
      if (tasks.length > 0) before = tasks;
    }
  }
  return wanted;
}

function placedTasks({ layers }: JobPlan): TaskPlan[] {
  return layers.flatMap(({ tasks }) => tasks);
}

function graphOf(layers: readonly LayerPlan[]) {
  const builder = new GraphBuilder();
  let before: { readonly node: number; readonly host: number }[] = [];
  for (const { barrier, tasks } of layers) {
    const layer = tasks.map(({ host }) => ({ node: builder.addTask(), host }));
    const nodes = (list: typeof before): number[] => list.map(({ node }) => node);
    if (barrier) builder.join(nodes(before), nodes(layer));
    else {
      for (const from of before) for (const to of layer) if (from.host === to.host) builder.edge(from.node, to.node);
    }
    if (layer.length > 0) before = layer;
  }
  return builder.toGraph();
}
