import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { componentGroup, mechanismHere, processesIn } from './cgroups.ts';
import { findByCookie } from './kill.ts';
import { ensureKeeper, startKeeper } from './keeper.ts';
import type { ProcessSpec } from './spec.ts';
import { keeperOf, readState } from './state.ts';
import { stopComponent, withoutRestarts } from './stop.ts';
import { temporaryDirectory, until } from './testing.ts';
import { type ComponentWatcher, watchComponents } from './watch.ts';

const backoff = { minMs: 50, maxMs: 400, healthyMs: 60_000 };
let root: ReturnType<typeof temporaryDirectory>;
let id: string;
let dir: string;
let watcher: ComponentWatcher | undefined;
let sequence = 0;

beforeEach(() => {
  root = temporaryDirectory('keeper');
  sequence += 1;
  id = `test-${process.pid}-${sequence}`;
  dir = join(root.path, 'components', id);
});
afterEach(async () => {
  watcher?.close();
  watcher = undefined;
  await stopComponent(dir, { stopMs: 200 });
  root.remove();
});

const leftovers = () => findByCookie({ name: 'STACKYARD_COMPONENT', value: id });
const shell = (script: string, ...args: string[]): ProcessSpec => ({
  program: '/bin/sh',
  args: ['-c', script, 'sh', ...args],
  env: {},
  cwd: root.path,
  logFile: join(root.path, 'log', 'out.log'),
});
const log = () => readFileSync(join(root.path, 'log', 'out.log'), 'utf8');

test('a started component runs detached, with its cookie, without the cookie of an attempt, in its directory', async () => {
  process.env['STACKYARD_ATTEMPT'] = 'the-attempt-that-started-it';
  try {
    await startKeeper(dir, id, { ...shell('pwd; exec sleep 300'), env: { FLAVOUR: 'a b' } });
  } finally {
    delete process.env['STACKYARD_ATTEMPT'];
  }
  const state = readState(dir);
  expect(state).toMatchObject({ desired: 'running', alive: true, keeperAlive: true, restarts: 0 });
  const environ = await until('it is exec-ed', () => {
    const text = readFileSync(`/proc/${state.process!.pid}/environ`, 'utf8');
    return readFileSync(`/proc/${state.process!.pid}/comm`, 'utf8').trim() === 'sleep' && text;
  });
  expect(environ.split('\0')).toEqual(expect.arrayContaining([`STACKYARD_COMPONENT=${id}`, 'FLAVOUR=a b']));
  expect(environ).not.toContain('STACKYARD_ATTEMPT');
  expect(log()).toBe(`${root.path}\n`);
  expect(statSync(dir).mode & 0o777).toBe(0o700);
});

test.skipIf(mechanismHere() === 'cookie-scan')(
  'it lives in a cgroup of its own, which a stop ends and removes',
  async () => {
    await startKeeper(dir, id, shell('env -i /bin/sleep 300 & exec sleep 301'));
    const group = componentGroup(dir);
    await until('keeper, process and escapee are in it', async () => {
      return processesIn(group).length === 3 && (await leftovers()).length === 2;
    });
    await stopComponent(dir, { stopMs: 1_000 });
    expect(processesIn(group)).toEqual([]);
    expect(group.filter((each) => existsSync(each))).toEqual([]);
  },
);

test.skipIf(mechanismHere() === 'cookie-scan')(
  'what a killed process has left ends before it is started again, also what has dropped its cookie',
  async () => {
    await startKeeper(dir, id, shell('env -i /bin/sleep 300 & setsid sleep 301 & exec sleep 302'), { backoff });
    const group = componentGroup(dir);
    await until('keeper, process and both it has started are there', () => processesIn(group).length === 4);
    const keeper = keeperOf(dir)!.pid;
    const first = processesIn(group).filter((pid) => pid !== keeper);
    const { pid } = readState(dir).process!;
    process.kill(pid, 'SIGKILL');
    await until('it runs again', () => readState(dir).alive && readState(dir).process!.pid !== pid);
    expect(processesIn(group).filter((pid) => first.includes(pid))).toEqual([]);
    expect(readState(dir)).toMatchObject({ alive: true, keeperAlive: true });
  },
);

test('arguments reach the program as they are, whatever a shell would make of them', async () => {
  const nasty = ['$(touch pwned)', '`id`', "it's", 'a  b', '*', '; exit 1', '', '"', '\\'];
  await startKeeper(dir, id, shell('for a in "$@"; do printf "[%s]" "$a"; done; exec sleep 300', ...nasty));
  await until('the arguments are printed', () => log().endsWith(`[\\]`));
  expect(log()).toBe(nasty.map((text) => `[${text}]`).join(''));
  expect(existsSync(join(root.path, 'pwned'))).toBe(false);
});

test('a crash is seen at once and followed by a restart, with a back-off that grows', async () => {
  const seen: number[] = [];
  await startKeeper(dir, id, shell('exec sleep 300'), { backoff });
  watcher = watchComponents(join(root.path, 'components'), (name, state) => {
    if (name === id && state.lastExit) seen.push(state.restarts);
  });
  const first = readState(dir).process!;
  process.kill(first.pid, 'SIGKILL');
  await until('the watcher tells the exit', () => seen.length > 0);
  expect(readState(dir).lastExit).toMatchObject({ code: 137, pid: first.pid });
  const second = await until('it runs again', () => {
    const { alive, process } = readState(dir);
    return alive && process!.startTime !== first.startTime && process;
  });
  process.kill(second.pid, 'SIGTERM');
  await until('it has been started a third time', () => readState(dir).alive && readState(dir).restarts === 2);
});

test('a stop ends process and keeper and what they left behind, and reports the exit', async () => {
  await startKeeper(dir, id, shell('setsid sleep 300 & exec sleep 301'));
  await until('both processes run', async () => (await leftovers()).length === 3);
  const report = await stopComponent(dir, { stopMs: 5_000 });
  expect(report).toMatchObject({ exit: { code: 143 }, forced: false });
  expect(readState(dir)).toMatchObject({ desired: 'stopped', alive: false, keeperAlive: false });
  expect(await leftovers()).toEqual([]);
  expect(await stopComponent(dir, { stopMs: 100 })).toEqual({ exit: undefined, forced: false });
});

test('a process that ignores SIGTERM is killed after its time', async () => {
  await startKeeper(dir, id, shell('trap "" TERM; echo deaf; while :; do sleep 1; done'));
  await until('the trap is set', () => log().includes('deaf'));
  expect(await stopComponent(dir, { stopMs: 150 })).toMatchObject({ forced: true, exit: { code: 137 } });
});

test('a stop during the back-off does not wait for it', async () => {
  await startKeeper(dir, id, shell('exit 3'), { backoff: { minMs: 60_000, maxMs: 60_000 } });
  await until('it has exited', () => readState(dir).lastExit?.code === 3);
  const started = performance.now();
  await stopComponent(dir, { stopMs: 5_000 });
  expect(performance.now() - started).toBeLessThan(30_000);
});

test('starting what runs does nothing; another command line is refused; after a stop it is taken', async () => {
  await startKeeper(dir, id, shell('exec sleep 300'));
  const first = readState(dir).process!;
  await startKeeper(dir, id, shell('exec sleep 300'));
  expect(readState(dir).process).toEqual(first);
  await expect(startKeeper(dir, id, shell('exec sleep 400'))).rejects.toThrow(/Stop it first/);
  await stopComponent(dir, { stopMs: 1_000 });
  await startKeeper(dir, id, shell('exec sleep 400'));
  expect(readState(dir)).toMatchObject({ alive: true, restarts: 0 });
});

test('a keeper that was killed is replaced, the process is adopted, and its later death is followed by a restart', async () => {
  await startKeeper(dir, id, shell('exec sleep 300'), { backoff });
  const first = readState(dir).process!;
  process.kill(keeperOf(dir)!.pid, 'SIGKILL');
  await until('the keeper is gone', () => !readState(dir).keeperAlive);
  expect(await ensureKeeper(dir)).toBe(true);
  expect(readState(dir)).toMatchObject({ alive: true, keeperAlive: true, process: first });
  expect(await ensureKeeper(dir)).toBe(false);
  process.kill(first.pid, 'SIGKILL');
  await until('it runs again', () => readState(dir).alive && readState(dir).process!.startTime !== first.startTime);
  expect(readState(dir).lastExit).toMatchObject({ code: undefined, pid: first.pid });
});

test('whenever a keeper is killed and replaced, there is exactly one process', async () => {
  await startKeeper(dir, id, shell('exec sleep 300'), { backoff });
  for (let round = 0; round < 12; round += 1) {
    const { process: running } = readState(dir);
    // Half of the rounds also kill the process, so that keepers die while they start one.
    if (round % 2 === 0 && running) process.kill(running.pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, round * 9));
    const keeper = keeperOf(dir)!;
    if (readState(dir).keeperAlive) process.kill(keeper.pid, 'SIGKILL');
    await until('the keeper is gone', () => !readState(dir).keeperAlive);
    await ensureKeeper(dir);
    // It is the keeper's child for a moment before it becomes the program.
    const sleeps = await until('it is exec-ed', async () => {
      const found = (await leftovers()).filter(({ pid }) => commandOf(pid) === 'sleep\x00300\x00');
      return found.length > 0 && found;
    });
    expect(sleeps).toEqual([readState(dir).process]);
  }
});

test('a lock that something left of a killed keeper still holds only delays the next keeper', async () => {
  mkdirSync(dir, { recursive: true });
  const rest = spawn('flock', [`${dir}/keeper.lock`, '-c', 'echo held; exec sleep 1'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(rest.stdout, 'data');
  await startKeeper(dir, id, shell('exec sleep 300'), { backoff });
  expect(readState(dir)).toMatchObject({ alive: true, keeperAlive: true, restarts: 0 });
});

test('nothing is restarted while a task holds the component, and it is afterwards', async () => {
  await startKeeper(dir, id, shell('exec sleep 300'), { backoff });
  const first = readState(dir).process!;
  await withoutRestarts(dir, async () => {
    process.kill(first.pid, 'SIGKILL');
    await until('the exit is recorded', () => readState(dir).restarts === 1);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(readState(dir).alive).toBe(false);
  });
  await until('it runs again', () => readState(dir).alive);
});

test('a child that inherited the lock of a dead process does not keep the next one from starting', async () => {
  await startKeeper(dir, id, shell('sleep 300 & exec sleep 301'), { backoff });
  await until('both processes run', async () => (await leftovers()).length === 3);
  const first = readState(dir).process!;
  process.kill(first.pid, 'SIGKILL');
  await until('it runs again', () => readState(dir).alive && readState(dir).process!.startTime !== first.startTime);
});

test.runIf(process.getuid?.() === 0)('as root the process runs as the user it asks for', async () => {
  await startKeeper(dir, id, { ...shell('id -un; id -Gn; exec sleep 300'), cwd: '/', user: 'nobody' });
  await until('it has told who it is', () => log().split('\n').length > 2);
  expect(log().split('\n')[0]).toBe('nobody');
  await expect(
    startKeeper(join(root.path, 'other'), id, { ...shell('id'), user: 'no-such-user-here' }),
  ).rejects.toThrow(/user that exists/);
});

test.runIf(process.getuid?.() === 0)(
  'no value of a stack reaches what runs as root on the way to the process',
  async () => {
    const tools = join(root.path, 'tools');
    const canary = join(root.path, 'canary');
    mkdirSync(tools);
    mkdirSync(canary, { mode: 0o777 });
    chmodSync(canary, 0o777);
    // Whoever runs one of these with the process's PATH, or reads the file as a shell's start-up file, says who it is.
    const tell = `#!/bin/sh\n/usr/bin/id -un >>${canary}/$(/usr/bin/id -un).$$\n`;
    const names = ['setpriv', 'cat', 'date', 'flock', 'setsid', 'sleep', 'mv', 'grep', 'tail', 'mkdir', 'sh'];
    for (const name of names) writeFileSync(join(tools, name), tell, { mode: 0o755 });
    writeFileSync(join(tools, 'profile'), tell.slice(tell.indexOf('\n') + 1));
    chmodSync(root.path, 0o755);
    const env = {
      PATH: `${tools}:/usr/bin:/bin`,
      ENV: join(tools, 'profile'),
      BASH_ENV: join(tools, 'profile'),
      LD_PRELOAD: '/no/such/canary.so',
      IFS: '/',
      QUOTES: `it's $(id) \`id\` "x"\n\\ end`,
      EMPTY: '',
    };
    const spec = { ...shell(''), program: '/bin/sleep', args: ['300'], cwd: '/', env, user: 'nobody' };
    await startKeeper(dir, id, spec, { backoff });
    const { pid } = readState(dir).process!;
    await until('it is exec-ed', () => commandOf(pid).startsWith('/bin/sleep'));
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const expected = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    expect(variables).toEqual(expect.arrayContaining([...expected, `STACKYARD_COMPONENT=${id}`]));
    process.kill(pid, 'SIGKILL');
    await until('it was started again', () => readState(dir).alive && readState(dir).restarts === 1);
    await until('it is exec-ed again', () => commandOf(readState(dir).process!.pid).startsWith('/bin/sleep'));
    expect(readdirSync(canary).filter((name) => name.startsWith('root'))).toEqual([]);
    const keeper = readFileSync(`/proc/${keeperOf(dir)!.pid}/environ`, 'utf8');
    for (const name of ['LD_PRELOAD', 'IFS', 'ENV', 'QUOTES', tools]) expect(keeper).not.toContain(name);
    expect(readFileSync(`/proc/${keeperOf(dir)!.pid}/cmdline`, 'utf8')).not.toContain('canary');
    expect(statSync(join(dir, 'environment')).mode & 0o777).toBe(0o600);
  },
);

test('names that could leave a directory or a variable are refused', async () => {
  await expect(startKeeper(dir, '../evil', shell('id'))).rejects.toThrow(/host component id/);
  await expect(startKeeper(dir, id, { ...shell('id'), cwd: 'here' })).rejects.toThrow(/absolute path/);
  await expect(startKeeper(dir, id, { ...shell('id'), user: '--help' })).rejects.toThrow(/system user/);
  await expect(startKeeper(dir, id, { ...shell('id'), env: { 'a=b': '' } })).rejects.toThrow(/letters, digits and _/);
});

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

test('a link that lies where the output goes is replaced, not written along', async () => {
  const target = join(root.path, 'target');
  writeFileSync(target, 'untouched');
  mkdirSync(join(root.path, 'log'));
  symlinkSync(target, join(root.path, 'log', 'out.log'));
  await startKeeper(dir, id, shell('echo hello; exec sleep 300'));
  await until('it has spoken', () => log() === 'hello\n');
  expect(readFileSync(target, 'utf8')).toBe('untouched');
});
