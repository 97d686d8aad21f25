import type { Entry, Start } from './ledger.ts';

export interface TaskSeen {
  readonly id: string;
  /** Its node in the plan. */
  readonly index: number;
  readonly host: string;
  readonly name: string;
  readonly state: string;
}

export interface AttemptSeen {
  readonly taskId: string;
  readonly number: number;
  readonly state: string;
  readonly reason: string | null;
}

export interface JobSeen {
  readonly id: string;
  readonly state: string;
  readonly tasks: readonly TaskSeen[];
  readonly attempts: readonly AttemptSeen[];
  /** Pairs of nodes, the later one second; a node that is no task joins others. */
  readonly edges: readonly (readonly [number, number])[];
}

/** All that is known when everything has come to rest. */
export interface Evidence {
  /** Of every host, in the order of its ledger. */
  readonly ledger: readonly Entry[];
  readonly starts: readonly Start[];
  /** Cookies of runners that were killed. */
  readonly killed: ReadonlySet<string>;
  readonly jobs: readonly JobSeen[];
  /** How many jobs were asked for, and how many the server has. */
  readonly asked: { readonly jobs: number; readonly onServer: number };
  /** The processes of components, as `pid since start time`. */
  readonly components: { readonly before: readonly string[]; readonly after: readonly string[] };
  /** What ended although nobody had killed it. */
  readonly crashes: readonly string[];
}

export interface RuleOutcome {
  readonly rule: string;
  /** A sentence for each breach. */
  readonly breaches: readonly string[];
}

type Case = Evidence & {
  readonly attemptOf: ReadonlyMap<string, string>;
  readonly entriesOf: ReadonlyMap<string, readonly Entry[]>;
};

/** What the platform promises, each as a rule that finds its breaches. */
const rules: Readonly<Record<string, (evidence: Case) => Iterable<string>>> = {
  'every effect belongs to an attempt': strangers,
  'an attempt begins at most once': startedTwice,
  'two attempts of a task never run at the same time': overlaps,
  'a SUCCESSFUL attempt began once and ended once': unproven,
  'an attempt that was not issued has no effect': effectsOfNothing,
  'every job and every task is terminal': stuck,
  'only what was killed is LOST, and nothing else failed': dishonest,
  'no task began before those it waits for had ended': early,
  'every job that was asked for exists once': jobs,
  'components run on untouched': touched,
  'nothing ended that was not killed': ({ crashes }) => crashes,
};

/** Judges a run; every rule is named, also those that hold. */
export function judge(evidence: Evidence): readonly RuleOutcome[] {
  const attemptOf = new Map(evidence.starts.map(({ cookie, attempt }) => [cookie, attempt]));
  const entriesOf = Map.groupBy(evidence.ledger, ({ cookie }) => attemptOf.get(cookie) ?? '');
  return Object.entries(rules).map(([rule, find]) => ({
    rule,
    breaches: [...find({ ...evidence, attemptOf, entriesOf })],
  }));
}

function* strangers({ ledger, attemptOf, jobs: all }: Case): Iterable<string> {
  const known = new Set(all.flatMap(({ attempts }) => attempts.map(nameOf)));
  for (const { cookie, host, what } of ledger) {
    const attempt = attemptOf.get(cookie);
    if (attempt === undefined) yield `Runner ${cookie} wrote "${what}" on ${host}, but no journal names it.`;
    else if (!known.has(attempt)) yield `Attempt ${attempt} wrote "${what}" on ${host}; the server does not know it.`;
  }
}

function* startedTwice({ starts, entriesOf }: Case): Iterable<string> {
  for (const [attempt, of] of Map.groupBy(starts, (start) => start.attempt)) {
    if (of.length > 1) yield `Attempt ${attempt} was given to ${of.length} runners.`;
  }
  for (const [attempt, entries] of entriesOf) {
    const begins = count(entries, 'begin');
    if (attempt !== '' && begins > 1) yield `Attempt ${attempt} began ${begins} times.`;
  }
}

function* overlaps({ ledger, attemptOf }: Case): Iterable<string> {
  const latest = new Map<string, number>();
  for (const { cookie, host, what } of ledger) {
    const [task = '', text] = attemptOf.get(cookie)?.split('/') ?? [];
    const number = Number(text);
    const newest = latest.get(task) ?? 0;
    if (number < newest)
      yield `Attempt ${number} of task ${task} wrote "${what}" on ${host} after ${newest} had begun.`;
    else if (text !== undefined) latest.set(task, number);
  }
}

function* unproven({ jobs: all, entriesOf }: Case): Iterable<string> {
  for (const attempt of attemptsOf(all)) {
    if (attempt.state !== 'SUCCESSFUL') continue;
    const entries = entriesOf.get(nameOf(attempt)) ?? [];
    const [begins, ends] = [count(entries, 'begin'), count(entries, 'end')];
    if (begins !== 1 || ends !== 1) yield `${describe(attempt)} has ${begins} begins and ${ends} ends.`;
  }
}

function* effectsOfNothing({ jobs: all, entriesOf }: Case): Iterable<string> {
  for (const attempt of attemptsOf(all)) {
    const idle = attempt.state === 'CANCELED' || attempt.state === 'PENDING';
    if (idle && entriesOf.has(nameOf(attempt))) yield `${describe(attempt)} is ${attempt.state}, but has begun.`;
  }
}

function* stuck({ jobs: all }: Case): Iterable<string> {
  for (const { id, state, tasks } of all) {
    if (!isTerminal(state)) yield `Job ${id} is still ${state}.`;
    for (const task of tasks)
      if (!isTerminal(task.state)) yield `Task ${task.id} (${task.name}) is still ${task.state}.`;
  }
}

function* dishonest({ jobs: all, starts, killed }: Case): Iterable<string> {
  const cookieOf = new Map(starts.map(({ attempt, cookie }) => [attempt, cookie]));
  for (const attempt of attemptsOf(all)) {
    if (attempt.state !== 'FAILED') continue;
    const cookie = cookieOf.get(nameOf(attempt));
    if (attempt.reason !== 'LOST') yield `${describe(attempt)} failed for ${attempt.reason}.`;
    else if (cookie === undefined) yield `${describe(attempt)} is LOST, but was never given to a runner.`;
    else if (!killed.has(cookie)) yield `${describe(attempt)} is LOST, but its runner ${cookie} was not killed.`;
  }
}

function* early({ jobs: all, entriesOf }: Case): Iterable<string> {
  for (const job of all) {
    const byIndex = new Map(job.tasks.map((task) => [task.index, task]));
    for (const [index, before] of predecessorsOf(job)) {
      const task = byIndex.get(index)!;
      const begin = firstBegin(job, task, entriesOf);
      if (begin === undefined) continue;
      for (const each of before) {
        const predecessor = byIndex.get(each)!;
        const end = successfulEnd(job, predecessor, entriesOf);
        if (end === undefined || end > begin) {
          yield `Task ${task.id} (${task.name}) began before ${predecessor.id} (${predecessor.name}) had ended.`;
        }
      }
    }
  }
}

function* jobs({ asked, jobs: all }: Case): Iterable<string> {
  if (asked.onServer !== asked.jobs) yield `${asked.jobs} jobs were asked for, and the server has ${asked.onServer}.`;
  if (new Set(all.map(({ id }) => id)).size !== all.length) yield 'Two requests were answered with the same job.';
}

function* touched({ components: { before, after } }: Case): Iterable<string> {
  if (before.length === 0) yield 'No component ran to begin with.';
  for (const each of before) if (!after.includes(each)) yield `Process ${each} of a component is gone.`;
  for (const each of after) if (!before.includes(each)) yield `Process ${each} of a component is new.`;
}

/** For each task the tasks it waits for, through the nodes that only join others. */
function predecessorsOf({ tasks, edges }: JobSeen): Map<number, ReadonlySet<number>> {
  const direct = Map.groupBy(edges, ([, later]) => later);
  const isTask = new Set(tasks.map(({ index }) => index));
  const of = (node: number): number[] =>
    (direct.get(node) ?? []).flatMap(([earlier]) => (isTask.has(earlier) ? [earlier] : of(earlier)));
  return new Map(tasks.map(({ index }) => [index, new Set(of(index))]));
}

function firstBegin({ attempts }: JobSeen, { id }: TaskSeen, entriesOf: Case['entriesOf']): number | undefined {
  const begins = attempts
    .filter(({ taskId }) => taskId === id)
    .flatMap((attempt) => entriesOf.get(nameOf(attempt)) ?? [])
    .flatMap(({ what, atUs }) => (what === 'begin' && atUs !== undefined ? [atUs] : []));
  return begins.length > 0 ? Math.min(...begins) : undefined;
}

function successfulEnd({ attempts }: JobSeen, { id }: TaskSeen, entriesOf: Case['entriesOf']): number | undefined {
  const successful = attempts.find(({ taskId, state }) => taskId === id && state === 'SUCCESSFUL');
  return successful && entriesOf.get(nameOf(successful))?.find(({ what }) => what === 'end')?.atUs;
}

function attemptsOf(all: readonly JobSeen[]): readonly AttemptSeen[] {
  return all.flatMap(({ attempts }) => attempts);
}

function nameOf({ taskId, number }: AttemptSeen): string {
  return `${taskId}/${number}`;
}

function describe(attempt: AttemptSeen): string {
  return `Attempt ${nameOf(attempt)}`;
}

function count(entries: readonly Entry[], wanted: Entry['what']): number {
  return entries.filter(({ what }) => what === wanted).length;
}

function isTerminal(state: string): boolean {
  return state === 'SUCCESSFUL' || state === 'FAILED' || state === 'CANCELED';
}
