import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DemoProcess } from './demoProcess.ts';
import { ZookeeperClient } from './zookeeperClient.ts';

interface Line {
  readonly url: string;
  readonly token: string;
  readonly exports: { readonly zookeeper: { readonly connect: string } };
}

let demo: DemoProcess;
beforeAll(async () => {
  demo = await DemoProcess.prepare();
});
afterAll(async () => {
  await demo?.close();
});

async function started(): Promise<Line> {
  const output = await demo.start();
  expect(output.trim().split('\n')).toHaveLength(1);
  return JSON.parse(output) as Line;
}

test('the demo ends in one line of JSON whose connect string any client can use, and Ctrl-C leaves nothing running', async () => {
  const { url, token, exports } = await started();
  const answer = await fetch(`${url}/api/v1/clusters`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
  const client = await ZookeeperClient.below(join(demo.dir, 'hosts', 'host1'));
  await client.create(exports.zookeeper.connect, '/kept', 'over a restart');
  expect(await demo.interrupt()).toEqual([]);
});

test('a second start finds its data again', async () => {
  const { exports } = await started();
  const client = await ZookeeperClient.below(join(demo.dir, 'hosts', 'host1'));
  expect(await client.read(exports.zookeeper.connect, '/kept')).toBe('over a restart');
  expect(await demo.interrupt()).toEqual([]);
});
