import { isTerminal } from '@stackyard/domain';
import { type Batch, type Change, fold, pendingAttempt } from '@stackyard/server/engine';
import type { Random } from '../time/random.ts';
import type { AttemptRow, Tables, TaskRow } from './rows.ts';
import { uuid } from './workload.ts';

type Attempt = NonNullable<Change['attempts']>[number];

export const AT = new Date('2026-11-26T00:00:00.000Z');
const journals = [uuid(7, 1), uuid(7, 2)];
const states = ['PENDING', 'RUNNING', 'SUCCESSFUL', 'FAILED', 'CANCELED'] as const;

/** What the engine might ask to write when the tables are as they are, and what another server might that knows less. */
export function randomBatch(random: Random, tables: Tables): Batch {
  // One word on an attempt in each commit: the next one rests on it.
  const all = [...tables.tasks.values()];
  const tasks = new Set(Array.from({ length: random.whole(1, 4) }, () => random.pick(all)));
  const { events, ...rows } = fold([...tasks].map((task) => changeOf(random, tables, task)));
  // Now and then with events that are in the outbox already.
  const first = Math.max(0, ...tables.events) + (random.chance(0.05) ? 0 : 1);
  return {
    ...rows,
    events: events.map(({ topic, clusterId, payload }, index) => ({
      id: first + index,
      topic,
      clusterId,
      payload,
      at: AT,
    })),
  };
}

function changeOf(random: Random, tables: Tables, task: TaskRow): Change {
  const attempts = random.chance(0.8) ? attemptsOf(random, tables, task) : [];
  const job = random.pick([...tables.jobs.values()]);
  const host = random.pick([...tables.hosts.values()]);
  const status = () => ({ state: random.pick(states), reason: random.pick([null, 'LOST', 'EXIT_NONZERO'] as const) });
  const times = () => ({ startedAt: random.pick([null, AT]), finishedAt: random.pick([null, AT]) });
  const ended = [...tables.attempts.values()].filter(({ taskId, state }) => taskId === task.id && isTerminal(state));
  const over = [...ended, ...attempts.filter(({ state }) => isTerminal(state))].map(({ id }) => id);
  return {
    attempts,
    ...(random.chance(0.3) && over.length > 0 && { late: [lateOf(random, random.pick(over))] }),
    ...(random.chance(0.5) && { tasks: [{ id: task.id, ...status(), attempts: random.whole(1, 3), ...times() }] }),
    ...(random.chance(0.3) && {
      jobs: [
        {
          id: job.id,
          ...status(),
          cancelRequested: random.chance(0.5),
          pause: random.pick([null, 'AHEAD', 'PAUSED', 'RESUMED'] as const),
          position: random.below(9),
          counts: { ...job.counts, RUNNING: random.below(4) },
          ...times(),
        },
      ],
    }),
    ...(random.chance(0.3) && { hosts: [hostOf(random, host.id)] }),
    ...(random.chance(0.5) && {
      events: [
        {
          topic: 'host',
          clusterId: undefined,
          payload: { kind: 'host', hostId: host.id, name: 'h', change: 'joined' },
        },
      ],
    }),
  };
}

/** The next word on the newest attempt of a task, or a word on any of them that comes too late. */
function attemptsOf(random: Random, { attempts }: Tables, task: TaskRow): Attempt[] {
  const known = [...attempts.values()].filter(({ taskId }) => taskId === task.id);
  const newest = known.reduce((one, other) => (other.number > one.number ? other : one));
  if (random.chance(0.15)) return [tooLate(random, random.pick(known))];
  if (!isTerminal(newest.state)) return [next(random, newest)];
  const another = pendingAttempt(task, newest.number + 1);
  return random.chance(0.5) ? [another] : [next(random, another)];
}

function next(random: Random, before: Attempt): Attempt {
  const { epoch, sessionNo } = before;
  if (before.state === 'PENDING') {
    if (random.chance(0.2)) return { ...before, state: 'CANCELED', reason: 'DEPENDENCY_FAILED', finishedAt: AT };
    const sent = { envelopeHash: random.pick(['aa', 'bb']), epoch: 7, sessionNo: random.below(9), issuedAt: AT };
    return { ...before, ...sent, state: 'RUNNING', dispatch: 'SENT', journalId: random.pick(journals) };
  }
  const heard = random.chance(0.3) ? { epoch: (epoch ?? 0) + 1, sessionNo: 0 } : { epoch, sessionNo };
  if (random.chance(0.5)) {
    const started = before.dispatch === 'STARTED' || random.chance(0.5);
    return { ...before, ...heard, dispatch: started ? 'STARTED' : 'ACCEPTED', startedAt: started ? AT : null };
  }
  const ok = random.chance(0.5);
  return {
    ...before,
    ...heard,
    state: ok ? 'SUCCESSFUL' : 'FAILED',
    reason: ok ? null : random.pick(['LOST', 'EXIT_NONZERO'] as const),
    message: random.pick([null, 'Half a pair: \ud800, and nothing: \u0000.']),
    exitCode: ok ? 0 : random.below(3),
    signal: random.pick([null, 'SIGTERM']),
    outputs: random.pick([null, { port: '2181' }]),
    logSize: random.below(100),
    finishedAt: AT,
    durationMs: random.below(1_000),
  };
}

/** By a server that knows an older session, or another envelope, or of no end; nothing of it is written. */
function tooLate(random: Random, { late: _late, ...row }: AttemptRow): Attempt {
  const word = { ...row, state: 'FAILED', reason: 'LOST', message: 'too late', finishedAt: AT } as const;
  if (isTerminal(row.state)) return word;
  if (!row.epoch) return next(random, row);
  const older = { epoch: row.epoch - 1, sessionNo: 99 };
  return { ...word, ...random.pick([older, { envelopeHash: 'cc' }, { sessionNo: (row.sessionNo ?? 0) - 1 }]) };
}

function lateOf(random: Random, id: string): NonNullable<Change['late']>[number] {
  return { id, late: { exitCode: random.below(3), at: AT.toISOString() } };
}

function hostOf(random: Random, id: string): NonNullable<Change['hosts']>[number] {
  const session = {
    sessionNo: random.below(9),
    journalId: random.pick(journals),
    hostBootId: random.pick(['boot-1', 'boot-2']),
    agentBootId: 'agent',
    agentVersion: '1',
    address: 'a',
    bind: 'b',
    root: '/',
    local: false,
  };
  return {
    id,
    ...(random.chance(0.5) && { connected: random.chance(0.5) }),
    ...(random.chance(0.5) && { lastSeenAt: AT }),
    ...(random.chance(0.5) && { session }),
  };
}
