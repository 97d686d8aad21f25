import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, processesIn, signal } from './world.ts';
import { ZookeeperClient } from './zookeeperClient.ts';

interface Line {
  readonly url: string;
  readonly token: string;
  readonly exports: { readonly zookeeper: { readonly connect: string } };
}

const cli = fileURLToPath(new URL('../bin/stackyard.mjs', import.meta.url));
let dir: string;
let port: number;
let demo: ChildProcess | undefined;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-demo-'));
  port = await freePort();
});
afterAll(async () => {
  demo?.kill('SIGKILL');
  for (const pid of await processesIn(dir)) signal(pid, 'SIGKILL');
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

/** Starts the demo and reads the one line that it prints when all is healthy. */
async function start(): Promise<Line> {
  const address = `127.${1 + (process.pid % 200)}.250.11`;
  const args = [
    'demo',
    '--json',
    '--data-dir',
    dir,
    '--port',
    String(port),
    '--address',
    address,
    '--package-origin',
    'maven',
  ];
  const child = spawn(process.execPath, [cli, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_CONFIG_HOME: join(dir, 'config') },
  });
  demo = child;
  let said = '';
  let output = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      if (output.includes('\n')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`The demo ended with ${code}:\n${said}`)));
  });
  expect(output.trim().split('\n')).toHaveLength(1);
  return JSON.parse(output) as Line;
}

async function interrupt(): Promise<void> {
  const ended = once(demo as ChildProcess, 'exit');
  demo?.kill('SIGINT');
  await ended;
  demo = undefined;
  expect(await processesIn(dir)).toEqual([]);
}

test('the demo ends in one line of JSON whose connect string any client can use, and Ctrl-C leaves nothing running', async () => {
  const { url, token, exports } = await start();
  const answer = await fetch(`${url}/api/v1/clusters`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
  const client = await ZookeeperClient.below(join(dir, 'hosts', 'host1'));
  await client.create(exports.zookeeper.connect, '/kept', 'over a restart');
  await interrupt();
});

test('a second start finds its data again', async () => {
  const { exports } = await start();
  const client = await ZookeeperClient.below(join(dir, 'hosts', 'host1'));
  expect(await client.read(exports.zookeeper.connect, '/kept')).toBe('over a restart');
  await interrupt();
});
