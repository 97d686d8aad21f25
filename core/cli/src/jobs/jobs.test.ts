import { expect, test, vi } from 'vitest';
import type { Job } from '../api/types.ts';
import { colours } from '../output/terminal.ts';
import { testTerminal } from '../output/testing.ts';
import { lineListener } from './lines.ts';
import { picture } from './live.ts';
import { afterEvent, type TaskEvent, type TaskPicture } from './picture.ts';
import { packageLine, taskLine } from './words.ts';

const plain = colours(false);

function task(given: Partial<TaskPicture> = {}): TaskPicture {
  const place = {
    id: 't1',
    index: 0,
    host: 'zk2',
    service: 'zookeeper',
    component: 'zookeeper_server',
    phase: 'start',
  };
  const untouched = { reason: undefined, message: undefined, startedAt: undefined, finishedAt: undefined };
  return { ...place, ...untouched, state: 'PENDING', attempt: 0, ...given };
}

function event(given: Partial<TaskEvent>): TaskEvent {
  return { jobId: 'j', taskId: 't1', attempt: 1, state: 'RUNNING', at: '2026-01-01T00:00:00.000Z', ...given };
}

test('a task that is followed runs, ends, and says how long it took', () => {
  const running = afterEvent(task(), event({}));
  const done = running && afterEvent(running, event({ state: 'SUCCESSFUL', at: '2026-01-01T00:00:01.900Z' }));
  expect(done && taskLine(done, plain)).toBe('✓ zookeeper_server on zk2: start (1.9 s)');
});

test('an event that comes again after a resume changes nothing', () => {
  const done = task({ state: 'SUCCESSFUL', attempt: 1 });
  expect(afterEvent(done, event({ state: 'RUNNING' }))).toBeUndefined();
  expect(afterEvent(done, event({ state: 'SUCCESSFUL' }))).toBeUndefined();
  expect(afterEvent(task({ state: 'RUNNING', attempt: 2 }), event({ attempt: 1, state: 'FAILED' }))).toBeUndefined();
});

test('a retry begins a task anew', () => {
  const failed = task({ state: 'FAILED', attempt: 1, startedAt: 'x', finishedAt: 'y' });
  expect(afterEvent(failed, event({ attempt: 2 }))).toMatchObject({
    state: 'RUNNING',
    attempt: 2,
    finishedAt: undefined,
  });
});

test('lines say why: the message of a failure, the reason of a cancelled one', () => {
  expect(taskLine(task({ state: 'FAILED', attempt: 2, message: 'Port 2181 is taken.' }), plain)).toBe(
    '✗ zookeeper_server on zk2: start, attempt 2: Port 2181 is taken.',
  );
  expect(taskLine(task({ state: 'CANCELED', reason: 'DEPENDENCY_FAILED' }), plain)).toBe(
    '− zookeeper_server on zk2: start: a task before it failed',
  );
  expect(taskLine(task({ state: 'CANCELED', reason: 'USER_CANCEL' }), plain)).toBe(
    '− zookeeper_server on zk2: start: cancelled',
  );
});

test('who follows reads what ended before, what runs long, and what is waited for', () => {
  vi.useFakeTimers();
  const terminal = testTerminal();
  const listener = lineListener(terminal);
  try {
    const stop = task({ id: 't0', index: 1, phase: 'stop' });
    const job = { id: 'j1', title: 'Restart zookeeper' } as Job;
    listener.opened(job, [task({ id: 'c', host: 'zk1', state: 'SUCCESSFUL' }), stop, task({ index: 2 })]);
    vi.advanceTimersByTime(10_000);
    listener.changed({ ...stop, state: 'RUNNING' });
    vi.advanceTimersByTime(20_000);
    listener.changed({ ...stop, state: 'SUCCESSFUL' });
    expect(terminal.said.err.split('\n')).toEqual([
      'Restart zookeeper: 3 tasks, 1 done, job j1',
      '✓ zookeeper_server on zk1: start',
      '… nothing runs now; zookeeper_server on zk2: stop comes next. "stackyard host get zk2" shows whether its agent is connected.',
      '… still running: zookeeper_server on zk2: stop',
      '✓ zookeeper_server on zk2: stop',
      '',
    ]);
  } finally {
    listener.closed();
    vi.useRealTimers();
  }
});

test('packages on their way say from where and how far', () => {
  expect(packageLine({ name: 'zookeeper', version: '3.9.4', phase: 'resolve' })).toBe(
    'Fetching zookeeper 3.9.4 from Maven …',
  );
  expect(
    packageLine({ name: 'zookeeper', version: '3.9.4', phase: 'download', bytes: 4_200_000, total: 14_100_000 }),
  ).toBe('Fetching zookeeper 3.9.4 … 4.2 MB of 14.1 MB');
});

test('the live picture has one line for each host component, and what matters first when not all fit', () => {
  const tasks = ['zk1', 'zk2', 'zk3', 'zk4'].flatMap((host, at) => [
    task({ id: `${host}a`, index: at * 2, host, phase: 'stop', state: at < 2 ? 'SUCCESSFUL' : 'PENDING' }),
    task({
      id: `${host}b`,
      index: at * 2 + 1,
      host,
      state: at === 0 ? 'SUCCESSFUL' : at === 1 ? 'RUNNING' : 'PENDING',
    }),
  ]);
  const view = { title: 'Restart zookeeper', tasks, fetching: undefined, ms: 4_200 };
  expect(picture(view, '*', { colours: plain, rows: 40 }).join('\n')).toMatchInlineSnapshot(`
    "* Restart zookeeper  3 of 8 tasks, 4.2 s
      ✓ zookeeper_server  zk1  stop start
      * zookeeper_server  zk2  stop start
      · zookeeper_server  zk3  stop start
      · zookeeper_server  zk4  stop start"
  `);
  const fetching = { name: 'zookeeper', version: '3.9.4', phase: 'inspect', bytes: 1_000, total: 2_000 };
  expect(picture({ ...view, fetching }, '*', { colours: plain, rows: 40 }).at(-1)).toBe(
    '  * Checking zookeeper 3.9.4 … 1.0 kB of 2.0 kB',
  );
  expect(picture({ ...view, fetching: { ...fetching, bytes: 2_000 } }, '*', { colours: plain, rows: 40 })).toHaveLength(
    5,
  );
  const small = picture(view, '*', { colours: plain, rows: 7 });
  expect(small).toEqual([
    '* Restart zookeeper  3 of 8 tasks, 4.2 s',
    '  * zookeeper_server  zk2  stop start',
    '  · zookeeper_server  zk3  stop start',
    '  … and 2 more',
  ]);
});
