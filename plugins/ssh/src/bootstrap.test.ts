import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Principal } from '@stackyard/contract';
import { createLogger } from '@stackyard/kernel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Login } from './credentials.ts';
import { HostKeys } from './hostKeys.ts';
import { probe } from './probe.ts';
import { Runs, type Wanted } from './runs.ts';
import { MemoryRecords, newKey, TestJoining, TestSshd } from './testing.ts';
import type { Bootstrap, HostProgress } from './views.ts';

const password = 'canary-4f9a-password';
const login: Login = { user: 'root', method: { kind: 'password', password } };
const principal: Principal = { id: 'p1', name: 'admin', kind: 'token' };
const isRoot = process.getuid?.() === 0;

let dir: string;
let sshd: TestSshd;
let records: MemoryRecords;
let joining: TestJoining;
let logged: string;
let runs: Runs;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-ssh-'));
  sshd = await TestSshd.start({ user: 'root', password });
  records = new MemoryRecords();
  joining = new TestJoining(dir);
  logged = '';
  runs = newRuns();
});
afterEach(async () => {
  await runs.stop();
  await sshd.close();
  await rm(dir, { recursive: true, force: true });
});

function newRuns(): Runs {
  const stream = { write: (line: string) => void (logged += line) };
  return new Runs(joining, records, createLogger({ level: 'trace', destination: stream }));
}

const machine = (name: string, more: Partial<Wanted> = {}): Wanted => ({
  name,
  address: '127.0.0.1',
  port: sshd.port,
  fingerprint: sshd.fingerprint,
  ...more,
});

async function bring(hosts: readonly Wanted[], more: Partial<Parameters<Runs['start']>[0]> = {}): Promise<Bootstrap> {
  const { id } = await runs.start({ hosts, login, root: '/', parallel: 10, ...more }, principal);
  return ended(id);
}

async function ended(id: string, seen: (host: HostProgress) => void = () => undefined): Promise<Bootstrap> {
  for await (const { event, data } of runs.follow(id, new AbortController().signal)) {
    if (event === 'ended') return data as Bootstrap;
    seen(data as HostProgress);
  }
  throw new Error('The run did not end.');
}

/** What a bootstrap copies to. */
const temporary = async () => (await readdir('/tmp')).filter((name) => name.startsWith('stackyard-bootstrap-'));

const outcome = ({ hosts }: Bootstrap) => hosts.map(({ name, state, failure }) => [name, state, failure]);

describe.skipIf(!isRoot)('a bootstrap (as root)', () => {
  test('copies, installs and waits, telling every step, and leaves nothing behind', async () => {
    const before = await temporary();
    const { id } = await runs.start({ hosts: [machine('h1')], login, root: '/', parallel: 1 }, principal);
    const steps: string[] = [];
    let copied: number | null = null;
    const run = await ended(id, ({ state, percent }) => {
      if (state === 'COPYING') copied = percent;
      if (steps.at(-1) !== state) steps.push(state);
    });
    expect(steps).toEqual(['WAITING', 'CONNECTING', 'CHECKING', 'COPYING', 'INSTALLING', 'STARTING', 'JOINED']);
    expect([copied, run.state, outcome(run)]).toEqual([100, 'SUCCESSFUL', [['h1', 'JOINED', null]]]);
    expect(sshd.commands.some((command) => command.includes("--name 'h1'") && command.includes('--token-stdin'))).toBe(
      true,
    );
    expect(await temporary()).toEqual(before);
  });

  test('keeps neither password nor token: not in its rows, its log, its answers or its commands', async () => {
    joining.script = 'read -r token; echo "stackyard: a sentence" >&2; exit 78';
    const run = await bring([machine('h1')]);
    expect(outcome(run)).toEqual([['h1', 'FAILED', 'JOIN_REFUSED']]);
    const everything = [JSON.stringify(run), [...records.rows].join('\n'), logged, sshd.commands.join('\n')].join('\n');
    expect(everything).toContain('a sentence');
    for (const secret of [password, ...joining.tokens]) expect(everything).not.toContain(secret);
  });

  test('brings in what it can, says why the others failed, and tries just those again with a login given anew', async () => {
    const run = await bring([machine('h1'), machine('h2', { port: 1 }), machine('h3')], { parallel: 2 });
    expect(run.state).toBe('FAILED');
    expect(outcome(run)).toEqual([
      ['h1', 'JOINED', null],
      ['h2', 'FAILED', 'UNREACHABLE'],
      ['h3', 'JOINED', null],
    ]);
    expect(run.hosts[1]?.message).toContain('SSH does not answer at 127.0.0.1, port 1 (ECONNREFUSED)');
    const again = await runs.retry(run.id, { login, fingerprints: new Map() }, principal);
    expect([again.retryOf, again.hosts.map(({ name }) => name)]).toEqual([run.id, ['h2']]);
    await ended(again.id);
    await expect(
      runs.retry((await bring([machine('h4')])).id, { login, fingerprints: new Map() }, principal),
    ).rejects.toThrow('has failed');
  });

  test.each([
    [70, 'NOT_ROOT'],
    [73, 'NO_SPACE'],
    [74, 'SERVER_UNREACHABLE'],
    [75, 'CLOCK'],
    [99, 'INTERNAL'],
  ])('takes exit code %i of the script for %s, with the last sentence it said', async (code, failure) => {
    joining.script = `echo 'stackyard: not this'; echo 'stackyard: Because of that.' >&2; exit ${code}`;
    const { hosts } = await bring([machine('h1')]);
    expect(hosts[0]).toMatchObject({ state: 'FAILED', failure, message: 'Because of that.' });
  });

  test('refuses a name under which another machine is connected', async () => {
    joining.reachable.add('h1');
    const { hosts } = await bring([machine('h1')], { root: '/nowhere-at-all' });
    expect(hosts[0]).toMatchObject({ failure: 'NAME_TAKEN' });
  });

  test('a host is in one running bootstrap at a time', async () => {
    joining.script = 'read -r token; sleep 1';
    const { id } = await runs.start({ hosts: [machine('h1')], login, root: '/', parallel: 1 }, principal);
    await expect(runs.start({ hosts: [machine('h1')], login, root: '/', parallel: 1 }, principal)).rejects.toThrow(
      'h1 is being brought in already',
    );
    await ended(id);
  });

  test.each(['WAITING', 'INSTALLING'])('a server that stops ends what is %s, tidies up and says so', async (state) => {
    joining.script = 'read -r token; sleep 60';
    const before = await temporary();
    const { id } = await runs.start({ hosts: [machine('h1')], login, root: '/', parallel: 1 }, principal);
    for await (const { data } of runs.follow(id, new AbortController().signal)) if (data.state === state) break;
    await runs.stop();
    expect(outcome(await runs.get(id))).toEqual([['h1', 'FAILED', 'SERVER_RESTARTED']]);
    expect(await temporary()).toEqual(before);
  });

  test('what was running when the server went away has failed and can be retried', async () => {
    joining.script = 'read -r token; sleep 60';
    const { id } = await runs.start({ hosts: [machine('h1')], login, root: '/', parallel: 1 }, principal);
    const row = [...records.rows.values()][0]!;
    await runs.stop();
    expect(outcome(await runs.get(id))).toEqual([['h1', 'FAILED', 'SERVER_RESTARTED']]);
    // As after a kill -9, which stores nothing any more.
    records.rows.set(`ssh.bootstraps\n${id}`, row);
    runs = newRuns();
    await runs.recover();
    expect([(await runs.get(id)).state, outcome(await runs.get(id))]).toEqual([
      'FAILED',
      [['h1', 'FAILED', 'SERVER_RESTARTED']],
    ]);
  });
});

describe('logging in', () => {
  test('a wrong password is told as such', async () => {
    const wrong: Login = { user: 'root', method: { kind: 'password', password: 'wrong' } };
    const { hosts } = await bring([machine('h1')], { login: wrong });
    expect(hosts[0]).toMatchObject({ state: 'FAILED', failure: 'AUTHENTICATION' });
    expect(sshd.commands).toEqual([]);
  });

  test('a key that cannot be used is refused before anything is started', async () => {
    const start = (method: Login['method']) =>
      runs.start({ hosts: [machine('h1')], login: { user: 'root', method }, root: '/', parallel: 1 }, principal);
    await expect(start({ kind: 'key', privateKey: 'no key' })).rejects.toThrow('it has an unknown form');
    expect(records.rows.size).toBe(0);
  });
});

describe('host keys', () => {
  const keys = () => new HostKeys(records);
  const signal = new AbortController().signal;

  test('a probe shows the key of a machine and logs in nowhere', async () => {
    const target = { name: 'h1', address: '127.0.0.1', port: sshd.port };
    expect(await probe(target, keys(), signal)).toMatchObject({
      standing: 'new',
      key: { type: 'ecdsa-sha2-nistp256', fingerprint: sshd.fingerprint },
    });
    expect(await probe({ ...target, port: 1 }, keys(), signal)).toMatchObject({ standing: 'unreachable', key: null });
    expect(sshd.commands).toEqual([]);
  });

  test('a machine whose key nobody confirmed is not spoken to', async () => {
    const { hosts } = await bring([machine('h1', { fingerprint: undefined })]);
    expect(hosts[0]).toMatchObject({ failure: 'HOST_KEY_UNCONFIRMED' });
    expect(hosts[0]?.message).toContain(sshd.fingerprint);
  });

  test('a confirmed key is remembered, and one that changed is refused loudly, also when it is confirmed', async () => {
    await bring([machine('h1')]);
    const target = { name: 'h1', address: '127.0.0.1', port: sshd.port };
    expect(await probe(target, keys(), signal)).toMatchObject({ standing: 'known' });
    const { port } = sshd;
    await sshd.close();
    sshd = await TestSshd.start({ user: 'root', password }, { hostKey: newKey(), port });
    expect(await probe(target, keys(), signal)).toMatchObject({ standing: 'changed' });
    const { hosts } = await bring([machine('h1')]);
    expect(hosts[0]).toMatchObject({ state: 'FAILED', failure: 'HOST_KEY_CHANGED' });
    expect(hosts[0]?.message).toContain('THE HOST KEY OF 127.0.0.1 HAS CHANGED');
    expect(sshd.commands).toEqual([]);
    expect(await keys().forget(target)).toBe(true);
    expect(await probe(target, keys(), signal)).toMatchObject({ standing: 'new' });
  });

  test('another key than the confirmed one is refused', async () => {
    const { hosts } = await bring([machine('h1', { fingerprint: `SHA256:${'A'.repeat(43)}` })]);
    expect(hosts[0]).toMatchObject({ failure: 'HOST_KEY_CHANGED' });
    expect(await keys().find(machine('h1'))).toBeUndefined();
  });
});
