import hadoop from '@stack/hadoop';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { World } from './world.ts';
import { smallYarn, Yarn } from './yarnWorld.ts';

/** The smallest YARN that runs jobs of MapReduce, on HDFS; each test goes on where the one before ended. */
let world: World;
let yarn: Yarn;

beforeAll(async () => {
  world = await World.start({ stacks: ['stacks/hadoop'], hosts: ['h1', 'h2'] });
  yarn = new Yarn(world, 'c');
  await world.api.post('/clusters', { name: 'c', hosts: ['h1', 'h2'] });
});
afterAll(async () => {
  await world?.close();
});

test('HDFS and YARN are added by one command, which ends with a job that ran and is in the history', async () => {
  const hdfs = {
    service: 'hdfs',
    components: { namenode: ['h1'], datanode: ['h2'], hdfs_client: [] },
    profile: 'small',
  };
  const components = { resourcemanager: ['h1'], nodemanager: ['h2'], historyserver: ['h2'], yarn_client: ['h1'] };
  const { id } = await yarn.succeed({
    command: 'add',
    services: [hdfs, { service: 'yarn', components, profile: 'small', config: smallYarn }],
  });
  const check = (await world.api.tasks(id)).find(
    ({ component, phase }) => component === 'yarn_client' && phase === 'check',
  );
  const [, job] = /(job_\d+_\d+) found π to be 3\./.exec(await world.api.log(check!.id)) ?? [];
  expect(await yarn.applications('h1')).toMatchObject([
    { id: job?.replace('job', 'application'), state: 'FINISHED', finalStatus: 'SUCCEEDED' },
  ]);
  const exports = await world.api.get<Record<string, Record<string, string>>>('/clusters/c/exports');
  expect(exports['yarn']?.['resourcemanager']).toBe(`http://${world.host('h1').address}:8088`);
});

test('a job goes on when its ResourceManager is killed, which is back with what it knew', async () => {
  const job = yarn.submit('h1', 'example', 'pi', '2', '50000000');
  job.catch(() => undefined);
  const { id } = await yarn.untilRuns('h1', 2);
  const before = await yarn.crash('resourcemanager', 'h1');
  expect(await job).toContain('Estimated value of Pi is 3.14159');
  await yarn.untilBack(before);
  expect((await yarn.applications('h1')).find((each) => each.id === id)).toMatchObject({ finalStatus: 'SUCCEEDED' });
});

test('every metric that an alert or a panel names is one that a daemon gives', async () => {
  const { alerts = {}, dashboards = {} } = hadoop.stack.services.find(({ name }) => name === 'yarn')!.options;
  const panels = Object.values(dashboards).flatMap((each) => each.panels);
  const expressions = [...Object.values(alerts), ...panels.flatMap(({ queries }) => queries)].map(({ expr }) => expr);
  const named = new Set(expressions.flatMap((expr) => [...expr.matchAll(/(\w+)\{\$labels/g)].map(([, name]) => name!)));
  const pages = [`${world.host('h1').address}:8088`, `${world.host('h2').address}:8042`];
  const given = await Promise.all(pages.map(async (at) => (await fetch(`http://${at}/prom`)).text()));
  expect([...named].filter((name) => !given.some((text) => text.includes(`\n${name}{`)))).toEqual([]);
});
