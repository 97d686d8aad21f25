import { afterAll, beforeAll, expect, test } from 'vitest';
import { DemoProcess } from './demoProcess.ts';

interface Line {
  readonly url: string;
  readonly token: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

let demo: DemoProcess;
beforeAll(async () => {
  demo = await DemoProcess.prepare();
});
afterAll(async () => {
  await demo?.close();
});

async function jobs({ url, token }: Line): Promise<{ title: string; state: string }[]> {
  const answer = await fetch(`${url}/api/v1/jobs`, { headers: { authorization: `Bearer ${token}` } });
  return ((await answer.json()) as { items: { title: string; state: string }[] }).items;
}

test('all stacks come up in one job, and their exports can be used by any program of the machine', async () => {
  const line = JSON.parse(await demo.start('--stack', 'all')) as Line;
  const { zookeeper, kafka, hdfs, yarn } = line.exports;
  expect(zookeeper?.['connect']?.split(',')).toHaveLength(3);
  expect(kafka?.['bootstrap']?.split(',')).toHaveLength(3);
  expect(hdfs?.['defaultFS']).toMatch(/^hdfs:\/\//);
  expect((await fetch(`${hdfs?.['webhdfs']}/webhdfs/v1/?op=LISTSTATUS`)).status).toBe(200);
  const info = (await (await fetch(`${yarn?.['resourcemanager']}/ws/v1/cluster/metrics`)).json()) as {
    clusterMetrics: { activeNodes: number };
  };
  expect(info.clusterMetrics.activeNodes).toBe(3);
  expect((await jobs(line)).map(({ state }) => state)).toEqual(['SUCCESSFUL']);
  expect(await demo.interrupt()).toEqual([]);
});

test('a second start without flags brings up what is there', async () => {
  const line = JSON.parse(await demo.start()) as Line;
  expect(Object.keys(line.exports).toSorted()).toEqual(['hdfs', 'kafka', 'yarn', 'zookeeper']);
  expect(await demo.interrupt()).toEqual([]);
});
