import { expect, test } from 'vitest';
import { order } from '../session/testing.ts';
import { unstarted } from '../session/run.ts';
import type { ExecutorHappening, FoundEntry } from './state.ts';
import { abort, accepted, bad, good, Host, lines, run, task } from './testing.ts';

const start: ExecutorHappening = { kind: 'start', attempt: task, until: Infinity };
const cancel: ExecutorHappening = { kind: 'end', attempt: task, graceMs: 50, reason: 'KILLED' };
const decided: ExecutorHappening = { kind: 'decided', attempt: task, runner: 1, decision: run };
const gone: ExecutorHappening = { kind: 'runnerGone', attempt: task, runner: 1 };
const swept: ExecutorHappening = { kind: 'processesEnded', attempt: task };
const lostRace = { kind: 'fenced', attempt: task, tryNumber: 1, won: false, decision: run } as const;
const wonRace = { kind: 'fenced', attempt: task, tryNumber: 1, won: true, decision: abort } as const;
const read = (exit: typeof good | 'none' | 'unreadable', alive = false): ExecutorHappening => {
  return { kind: 'exitRead', attempt: task, exit, alive, logSize: 3 };
};
const written = (exit: typeof good): ExecutorHappening => ({ kind: 'exitWritten', attempt: task, exit, logSize: 0 });

test('a command goes to the disk while its artifact is fetched, is promised once it is there, and decided after that', () => {
  const host = new Host();
  const seen = (...events: ExecutorHappening[]) => lines(host.happen(...events));
  expect(seen({ kind: 'journal', order: order(task), startUntil: 100 })).toEqual(['writeCommand', 'prepare']);
  expect(seen({ kind: 'prepared', attempt: task })).toEqual(['assign try 1 to runner 1']);
  expect(seen({ kind: 'commandWritten', attempt: task })).toEqual(['say journaled']);
  expect(seen(start)).toEqual(['release runner 1']);
  expect(seen(decided)).toEqual(['say started', 'follow']);
  expect(seen({ kind: 'runnerDone', attempt: task, runner: 1 })).toEqual(['read exit']);
  expect(seen(read(good))).toEqual(['say exited OK']);
  expect(seen(gone)).toEqual([]);
  expect(seen({ kind: 'settle', attempt: task })).toEqual(['settle']);
  expect(host.state.attempts.size).toBe(0);
});

test('without a live lease no runner is taken ahead', () => {
  const host = new Host();
  host.happen({ kind: 'journal', order: order(task) }, { kind: 'commandWritten', attempt: task });
  expect(lines(host.happen({ kind: 'prepared', attempt: task }))).toEqual([]);
  expect(lines(host.happen(start))).toEqual(['assign try 1 to runner 1', 'release runner 1']);
});

test('what is ready only after its lease had ended is given back, and its runner sent away undecided', () => {
  const host = new Host().accepted(100);
  host.now = 90;
  expect(lines(host.happen({ ...start, until: 90 }))).toEqual(['dismiss runner 1', 'say postponed']);
  expect(lines(host.happen(gone))).toEqual([]);
  expect(lines(host.happen(start))).toEqual(['assign try 1 to runner 2', 'release runner 2']);
});

test('a download that outlasts the lease is not fetched again', () => {
  const host = new Host();
  host.happen({ kind: 'journal', order: order(task) }, { kind: 'commandWritten', attempt: task });
  expect(lines(host.happen({ ...start, until: 10 }))).toEqual([]);
  host.now = 10;
  expect(lines(host.happen({ kind: 'prepared', attempt: task }))).toEqual(['say postponed']);
  expect(lines(host.happen(start))).toEqual(['assign try 1 to runner 1', 'release runner 1']);
});

test('a command that the disk refuses is forgotten once nothing of it is under way', () => {
  const host = new Host();
  const full = { kind: 'commandRefused', attempt: task, reason: 'SPOOL_FULL', message: 'Full.' } as const;
  host.happen({ kind: 'journal', order: order(task), startUntil: 100 });
  expect(lines(host.happen(full))).toEqual(['abandon']);
  const failed = { kind: 'notPrepared', attempt: task, reason: 'KILLED', message: 'Aborted.' } as const;
  expect(lines(host.happen(failed))).toEqual(['say notJournaled SPOOL_FULL']);
  host.happen({ kind: 'journal', order: order(task), startUntil: 100 }, { kind: 'prepared', attempt: task });
  expect(lines(host.happen(full))).toEqual(['dismiss runner 1', 'say notJournaled SPOOL_FULL']);
  expect(host.state.attempts.size).toBe(0);
});

test('what cannot be got ready fails the attempt when it is to start, and is tried again then', () => {
  const host = new Host();
  const failed = { kind: 'notPrepared', attempt: task, reason: 'PACKAGE_UNAVAILABLE', message: 'No server.' } as const;
  host.happen({ kind: 'journal', order: order(task) }, failed, { kind: 'commandWritten', attempt: task });
  expect(lines(host.happen(start))).toEqual(['prepare']);
  expect(lines(host.happen(failed))).toEqual(['write exit PACKAGE_UNAVAILABLE after 0']);
});

test('a runner that was lost before its decision is replaced under the next try, three times at most', () => {
  const host = new Host().accepted();
  host.happen(start);
  for (const runner of [1, 2]) {
    expect(lines(host.happen({ ...gone, runner }))).toEqual([`fence try ${runner}`]);
    expect(lines(host.happen({ ...wonRace, tryNumber: runner }))).toEqual([
      `assign try ${runner + 1} to runner ${runner + 1}`,
      `release runner ${runner + 1}`,
    ]);
  }
  host.happen({ ...gone, runner: 3, failure: 'spawn EAGAIN' });
  const [last] = host.happen({ ...wonRace, tryNumber: 3 });
  expect(last).toMatchObject({ kind: 'writeExit', exit: { message: expect.stringContaining('spawn EAGAIN') } });
});

test('a runner that dies ahead of the start is replaced under the same try', () => {
  const host = new Host().accepted(100);
  expect(lines(host.happen(gone))).toEqual([]);
  expect(lines(host.happen(start))).toEqual(['assign try 1 to runner 2', 'release runner 2']);
});

test('a runner that had decided before it died is taken at its decision', () => {
  const host = new Host().accepted();
  host.happen(start, gone);
  expect(lines(host.happen(lostRace))).toEqual(['say started', 'follow', 'sync and read exit']);
  expect(lines(host.happen(read('none')))).toEqual(['end processes: grace 0, silently, after 0']);
});

test('a runner that hangs before its decision is raced for it', () => {
  const host = new Host().accepted();
  host.happen(start);
  expect(lines(host.happen({ kind: 'runnerSilent', attempt: task, runner: 1 }))).toEqual(['fence try 1']);
  expect(lines(host.happen(decided))).toEqual([]);
  expect(lines(host.happen(lostRace))).toEqual(['say started', 'follow', 'sync and read exit']);
});

test('a failed attempt is told only when nothing of it is left', () => {
  const host = new Host().running();
  host.happen({ kind: 'runnerDone', attempt: task, runner: 1 });
  expect(lines(host.happen(read(bad, true)))).toEqual(['end processes: grace 0, silently, after 0']);
  expect(lines(host.happen(swept))).toEqual(['sync and read exit']);
  expect(lines(host.happen(read(bad)))).toEqual(['say exited EXIT_NONZERO']);
});

test('a killed runner is LOST only when nothing of it is left', () => {
  const host = new Host().running();
  host.now = 60;
  expect(lines(host.happen(gone))).toEqual(['sync and read exit']);
  expect(lines(host.happen(read('none')))).toEqual(['end processes: grace 0, silently, after 0']);
  expect(lines(host.happen({ kind: 'processesSurvive', attempt: task, message: 'Hangs.' }))).toEqual([
    'alert',
    'end processes: grace 0, silently, after 5000',
  ]);
  expect(lines(host.happen(swept))).toEqual(['sync and read exit']);
  const [lost] = host.happen(read('none'));
  expect(lost).toMatchObject({ exit: { reason: 'LOST', signal: 'SIGKILL', startedAt: 1_000, durationMs: 50 } });
  expect(lines(host.happen(written({ ...bad, reason: 'LOST' })))).toEqual(['say exited LOST']);
});

test('what looked dead and had a result all the same reports that', () => {
  const host = new Host().running();
  host.happen(gone, read('none'), swept);
  expect(lines(host.happen(read(good)))).toEqual(['say exited OK']);
});

test('a cancel gives the grace, and the result of what ended by itself in the meantime holds', () => {
  const host = new Host().running();
  expect(lines(host.happen(cancel))).toEqual(['end processes: grace 50, KILLED, after 0']);
  expect(lines(host.happen(cancel, gone))).toEqual([]);
  expect(lines(host.happen(swept))).toEqual(['sync and read exit']);
  expect(lines(host.happen(read(good)))).toEqual(['say exited OK']);

  const deaf = new Host().running();
  deaf.happen(cancel, swept);
  expect(lines(deaf.happen(read('none')))).toEqual(['write exit KILLED after 0']);
});

test('a cancel while a runner may decide races it, and ends it when it was quicker', () => {
  const lost = new Host().accepted();
  expect(lines(lost.happen(start, cancel))).toEqual(['assign try 1 to runner 1', 'release runner 1', 'fence try 1']);
  expect(lines(lost.happen(lostRace))).toEqual(['say started', 'follow', 'end processes: grace 50, KILLED, after 0']);
  const won = new Host().accepted();
  won.happen(start, cancel);
  expect(lines(won.happen(wonRace))).toEqual(['write exit KILLED after 0']);
});

test('a cancel before the runner was released leaves nothing that could start', () => {
  const waiting = new Host().accepted(100);
  const result = unstarted('KILLED', 'Canceled before it was started.');
  expect(lines(waiting.happen({ kind: 'finish', attempt: task, result }))).toEqual([
    'dismiss runner 1',
    'write exit KILLED after 0',
  ]);
  const fetching = new Host();
  fetching.happen({ kind: 'journal', order: order(task) }, { kind: 'commandWritten', attempt: task }, start);
  expect(lines(fetching.happen(cancel))).toEqual(['abandon']);
  expect(lines(fetching.happen({ kind: 'prepared', attempt: task }))).toEqual(['write exit KILLED after 0']);
});

test('a result that cannot be written is written again later, and is told only then', () => {
  const host = new Host().running();
  host.happen(gone, read('none'), swept);
  const exit = { ...bad, reason: 'LOST' };
  host.happen(read('none'));
  expect(lines(host.happen({ kind: 'exitNotWritten', attempt: task, exit, message: 'Full.' }))).toEqual([
    'alert',
    'write exit LOST after 5000',
  ]);
  expect(lines(host.happen(written(exit)))).toEqual(['say exited LOST']);
});

const fresh: FoundEntry = {
  accepted,
  tryNumber: 0,
  decision: 'none',
  exit: 'none',
  ending: undefined,
  runnerAlive: false,
  logSize: 0,
};
const boot = (...found: Partial<FoundEntry>[]): ExecutorHappening => {
  return { kind: 'boot', found: found.map((entry) => ({ ...fresh, ...entry })), quarantined: [] };
};

test('a restarted agent fences the next try before it calls anything never started', () => {
  const host = new Host();
  expect(lines(host.happen(boot({ tryNumber: 1, decision: abort })))).toEqual(['fence try 2']);
  expect(lines(host.happen({ ...wonRace, tryNumber: 2 }))).toEqual(['recovered WAITING']);
  expect(lines(host.happen(start))).toEqual(['prepare']);
  expect(lines(host.happen({ kind: 'prepared', attempt: task }))).toEqual([
    'assign try 3 to runner 1',
    'release runner 1',
  ]);
});

test('a restarted agent that loses the next try to a runner of the agent before follows it', () => {
  const host = new Host();
  host.happen(boot({ tryNumber: 1, decision: abort }));
  expect(lines(host.happen({ ...lostRace, tryNumber: 2 }))).toEqual([
    'follow',
    'recovered STARTED',
    'sync and read exit',
  ]);
});

test('a restarted agent ends what a failed attempt left before it tells the failure', () => {
  const host = new Host();
  const found = boot({ tryNumber: 1, decision: run, exit: bad });
  expect(lines(host.happen(found))).toEqual(['end processes: grace 0, silently, after 0']);
  expect(lines(host.happen(swept, read(bad)))).toEqual(['sync and read exit', 'recovered EXITED EXIT_NONZERO']);
});

test('what was found at the start is told once, of all of it', () => {
  const host = new Host();
  const other = { accepted: { ...accepted, taskId: 'task-b' }, tryNumber: 1, decision: run, exit: good };
  expect(lines(host.happen(boot({}, other)))).toEqual(['fence try 1']);
  expect(lines(host.happen(wonRace))).toEqual(['recovered WAITING, EXITED']);
});

test('nothing is started that was accepted under another boot, and what ran then is told as that', () => {
  const before = { ...accepted, bootId: 'earlier' };
  const host = new Host();
  const second = { ...before, taskId: 'task-b' };
  const found = boot(
    { accepted: before },
    { accepted: second, tryNumber: 1, decision: { ...run, bootId: 'earlier' }, runnerAlive: false },
  );
  expect(lines(host.happen(found))).toEqual(['write exit HOST_REBOOTED after 0', 'write exit HOST_REBOOTED after 0']);
  expect(lines(host.happen(start))).toEqual([]);
});

test('what hangs in the kernel keeps a restarted agent from telling it as over, not from working', () => {
  const host = new Host();
  host.happen(boot({ tryNumber: 1, decision: run }));
  const survives = { kind: 'processesSurvive', attempt: task, message: 'Hangs.' } as const;
  expect(lines(host.happen(survives))).toEqual([
    'alert',
    'end processes: grace 0, silently, after 5000',
    'recovered STARTED',
  ]);
  host.happen(swept, read('none'));
  expect(lines(host.happen(written({ ...bad, reason: 'LOST' })))).toEqual(['say exited LOST']);
});

test('what a damaged entry left running is ended before anything else is told', () => {
  const host = new Host();
  const damaged = { taskId: 'task-d', number: 1 };
  const found: ExecutorHappening = {
    ...(boot() as object),
    quarantined: [{ attempt: damaged, decision: run }],
  } as never;
  expect(lines(host.happen(found))).toEqual(['end processes: grace 0, silently, after 0']);
  expect(lines(host.happen({ kind: 'processesEnded', attempt: damaged }))).toEqual(['recovered ']);
});
