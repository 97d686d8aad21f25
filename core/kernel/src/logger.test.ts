import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createLogger, type LoggerOptions } from './logger.ts';
import { looksSecret, redact, redactText } from './redact.ts';
import { defineError } from './stackyardError.ts';

class HostLostError extends defineError('HOST_LOST', 'Lost', ({ host }: { host: string }) => `Host ${host} is lost.`) {}

function recording(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line: string) => lines.push(line) }, ...options });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}
const canary = 'hunter2hunter2';

test('a line is JSON: level by name, ISO time, the fields, the sentence', () => {
  const { log, last } = recording();
  log.warn({ jobId: 'j1', host: 'zk1' }, 'Task finished');
  expect(last()).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    jobId: 'j1',
    host: 'zk1',
    msg: 'Task finished',
  });
});

test('lines below the level are not written', () => {
  const { log, lines } = recording({ level: 'warn' });
  log.info('Not shown');
  log.error('Shown');
  expect(lines).toHaveLength(1);
  expect(log.level).toBe('warn');
});

test('a child adds its fields to every line', () => {
  const { log, last } = recording();
  log.child({ plugin: 'alerts' }).child({ jobId: 'j1' }).info({ host: 'zk1' }, 'Task finished');
  expect(last()).toMatchObject({ plugin: 'alerts', jobId: 'j1', host: 'zk1' });
});

test('secret-looking fields are redacted at any depth, in lists, in children and in errors', () => {
  const { log, lines } = recording();
  const error = Object.assign(
    new Error(`cannot reach postgresql://root:${canary}@db/x`, { cause: new Error(`Bearer ${canary}`) }),
    {
      fields: { agentToken: canary },
    },
  );
  log.info({ password: canary, deep: { list: [{ 'X-Api-Key': canary }], of: { Authorization: canary } } }, 'One');
  log.child({ secret: canary, nested: { clientSecret: canary } }).info('Two');
  log.error({ err: error, failure: { error } }, 'Three');
  log.error({ url: `https://user:${canary}@host/`, header: `Bearer ${canary}` }, 'Four');
  expect(lines).toHaveLength(4);
  expect(lines.join('')).not.toContain(canary);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    password: '[redacted]',
    deep: { list: [{ 'X-Api-Key': '[redacted]' }], of: { Authorization: '[redacted]' } },
  });
});

test('an error keeps its stack, code, fields and causes', () => {
  const { log, last } = recording();
  log.error({ err: new HostLostError({ host: 'zk3' }, { cause: new Error('ECONNRESET') }) }, 'Host lost');
  expect(last()).toMatchObject({
    err: {
      type: 'HostLostError',
      message: expect.stringContaining('Host zk3 is lost.'),
      stack: expect.stringMatching(/HostLostError.*ECONNRESET/s),
      code: 'HOST_LOST',
      fields: { host: 'zk3' },
    },
  });
});

test('names of secrets are told from names about secrets', () => {
  const secret = [
    'token',
    'agentToken',
    'DB_PASSWORD',
    'x-api-key',
    'privateKey',
    'clientSecrets',
    'authorization',
    'Set-Cookie',
  ];
  const harmless = [
    'tokenId',
    'passwordSet',
    'secretName',
    'tokenCount',
    'key',
    'host',
    'monkey',
    'keyboard',
    'tokenized',
  ];
  expect(secret.filter((name) => !looksSecret(name))).toEqual([]);
  expect(harmless.filter(looksSecret)).toEqual([]);
});

test('texts lose the credentials of URLs and headers, and nothing else', () => {
  expect(redactText('postgresql://user:pa:ss@db:5432/x and http://host:80/a@b')).toBe(
    'postgresql://user:[redacted]@db:5432/x and http://host:80/a@b',
  );
  expect(redactText('Authorization: Bearer abcdefgh.ij-k')).toBe('Authorization: Bearer [redacted]');
  expect(redactText('the bearer of bad news')).toBe('the bearer of bad news');
});

test('a value that contains itself, dates and bytes are written all the same', () => {
  const loop: Record<string, unknown> = { date: new Date(0), big: 5n, absent: undefined };
  loop['self'] = loop;
  expect(JSON.stringify(redact(loop))).toContain('"date":"1970-01-01T00:00:00.000Z","big":"5"');
});

test('a log file is readable by its owner only, and complete at once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'deep', 'server.log');
  createLogger({ level: 'info', destination: file }).info('Ready');
  expect(readFileSync(file, 'utf8')).toContain('"msg":"Ready"');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a log that cannot be written is told once on standard error, and its lines are dropped', () => {
  const told = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => told.mockRestore());
  const log = createLogger({ level: 'info', destination: '/dev/full' });
  log.info('Lost');
  log.info('Lost as well');
  expect(told.mock.calls).toEqual([['The log /dev/full cannot be written, lines are lost: ENOSPC\n']]);
});

test('a log file that cannot be opened is one sentence', () => {
  expect(() => createLogger({ level: 'info', destination: tmpdir() })).toThrow(
    `The log file ${tmpdir()} cannot be opened: EISDIR. Name a file this user may write`,
  );
});

test('pretty lines are for people', () => {
  const { log, lines } = recording({ pretty: true });
  log.child({ plugin: 'alerts' }).info({ host: 'zk1', what: 'two words' }, 'Task finished');
  log.error({ err: new Error('boo') }, 'Task failed');
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}\[alerts\] Task finished host=zk1 what="two words"\n$/);
  expect(lines[1]).toMatch(/ERROR Task failed\n {2}Error: boo\n {6}at /);
});
