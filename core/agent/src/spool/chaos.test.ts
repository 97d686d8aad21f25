import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryDirectory, until } from '../processes/testing.ts';

const agentFile = join(dirname(fileURLToPath(import.meta.url)), 'chaosAgent.ts');
const rounds = 20;
const budgetMs = 12_000;
let root: ReturnType<typeof temporaryDirectory>;
let mark: string;
let agent: ChildProcess | undefined;
let complaints: string;

beforeEach(() => {
  root = temporaryDirectory('chaos');
  mark = randomUUID();
  complaints = '';
});
afterEach(async () => {
  agent?.kill('SIGKILL');
  for (const pid of marked()) process.kill(pid, 'SIGKILL');
  root.remove();
});

/** Starts an agent; resolves when it has recovered, to a promise of its exit code. */
async function startAgent(mode: 'run' | 'drain'): Promise<{ ended: Promise<number | null> }> {
  const args = ['--conditions=@stackyard/source', agentFile, root.path, mode, mark];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  agent = child;
  child.stderr.on('data', (text) => (complaints += String(text)));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
  return { ended };
}

/** Processes of this test's runners. */
function marked(): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      return readFileSync(`/proc/${Number(name)}/environ`).includes(`CHAOS_MARK=${mark}`) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

const linesOf = (name: string): string[] => {
  try {
    return readFileSync(join(root.path, name), 'utf8').trim().split('\n');
  } catch {
    return [];
  }
};

test('however often the agent is killed, no attempt starts twice, none is lost and no runner is left', async () => {
  const started = performance.now();
  let kills = 0;
  while (kills < rounds && performance.now() - started < budgetMs) {
    const { ended } = await startAgent('run');
    await delay(Math.random() * 400);
    agent!.kill('SIGKILL');
    kills += 1;
    await ended;
  }
  const { ended } = await startAgent('drain');
  expect(await ended).toBe(0);
  await until('no runner is left', () => marked().length === 0);
  expect(complaints).toBe('');

  const tally = linesOf('tally');
  const results = new Map(linesOf('results').map((line) => line.split(' ') as [string, string]));
  expect(new Set(tally).size).toBe(tally.length);
  expect([...new Set(results.values())]).toEqual(['OK']);
  expect([...results.keys()].toSorted()).toEqual(tally.toSorted());
  expect(results.size).toBeGreaterThan(0);
}, 60_000);
