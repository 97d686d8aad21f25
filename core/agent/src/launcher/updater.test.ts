import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LauncherReport } from './report.ts';
import { type AgentUpdate, Updater } from './updater.ts';

let dir: string;
let bundle: Buffer;
let reads: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-updater-'));
  await mkdir(join(dir, 'versions'));
  await mkdir(join(dir, 'source/bin'), { recursive: true });
  await writeFile(join(dir, 'source/bin/node'), 'node');
  await chmod(join(dir, 'source/bin/node'), 0o755);
  await writeFile(join(dir, 'source/bundle.json'), '{"version":"v2","arch":"x64"}\n');
  await create({ file: join(dir, 'b.tgz'), cwd: join(dir, 'source'), gzip: true }, ['bin', 'bundle.json']);
  bundle = await readFile(join(dir, 'b.tgz'));
  reads = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const order = (given: Partial<AgentUpdate> = {}): AgentUpdate => ({
  version: 'v2',
  digest: `agent-sha256-${sha256(bundle)}`,
  size: bundle.length,
  trialSeconds: 60,
  ...given,
});

/** What becomes of an order: `staged`, or why not. */
function outcome(given: AgentUpdate, { launched = true } = {}): Promise<string> {
  return new Promise((resolve) => {
    const updater = new Updater({
      dir: launched ? dir : undefined,
      version: 'v1',
      downloads: {
        async *read(digest: string) {
          reads.push(digest);
          yield bundle.subarray(0, 10);
          yield bundle.subarray(10);
        },
      },
      log: pino({ level: 'silent' }),
      begun: () => undefined,
      staged: () => resolve('staged'),
      failed: (_version, reason) => resolve(reason),
    });
    updater.update(given);
    // While one is under way another is not begun.
    updater.update(given);
  });
}

describe('an update', () => {
  test('is fetched, verified, put in place, and named to the launcher', async () => {
    expect(await outcome(order())).toBe('staged');
    expect(await readFile(join(dir, 'versions/v2/bin/node'), 'utf8')).toBe('node');
    expect(await readFile(join(dir, 'next'), 'utf8')).toBe('v2 60\n');
    expect(reads).toEqual([order().digest]);
    expect(existsSync(join(dir, 'update'))).toBe(false);
  });

  test('is refused by an agent that no launcher started', async () => {
    expect(await outcome(order(), { launched: false })).toContain('was not started by a launcher');
  });

  test('of a version that is here already is not fetched again', async () => {
    await mkdir(join(dir, 'versions/v2'));
    expect([await outcome(order()), reads]).toEqual(['staged', []]);
  });

  test.each([
    ['other bytes', { digest: `agent-sha256-${'0'.repeat(64)}` }, /its digest differs/],
    ['more bytes than were said', { size: 20 }, /larger than the server said/],
    ['fewer bytes than were said', { size: 10_000 }, /its digest differs/],
    ['another name than the bundle has', { version: 'v3' }, /calls itself v2/],
    ['a name that is a path', { version: '../v2' }, /named no version/],
    ['a digest that is none', { digest: 'sha256-1' }, /named no version, digest/],
  ])('with %s is refused, and nothing of it stays', async (_, given, reason) => {
    expect(await outcome(order(given))).toMatch(reason);
    expect([await readdir(join(dir, 'versions')), existsSync(join(dir, 'next'))]).toEqual([[], false]);
    expect(existsSync(join(dir, 'update'))).toBe(false);
  });
});

describe('what the launcher and the agent tell each other', () => {
  const report = () => new LauncherReport({ STACKYARD_LAUNCHER: dir, STACKYARD_AGENT_VERSION: 'v2' });

  test('an agent that the server answers says so once, with its version', async () => {
    const own = report();
    own.connected();
    expect(await readFile(join(dir, 'connected'), 'utf8')).toBe(`v2 ${process.pid}\n`);
    await rm(join(dir, 'connected'));
    own.connected();
    expect(existsSync(join(dir, 'connected'))).toBe(false);
  });

  test('a version that was given up is known with its reason', async () => {
    expect(report().failed()).toBeUndefined();
    await writeFile(join(dir, 'failed'), 'v3 ended 5 times\n');
    expect(report().failed()).toEqual({ version: 'v3', reason: 'ended 5 times' });
  });

  test('an agent without a launcher has its own version and tells nobody', () => {
    const alone = new LauncherReport({});
    alone.connected();
    expect([alone.version, alone.failed()]).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+$/), undefined]);
  });
});
