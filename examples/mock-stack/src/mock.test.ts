import { describeStack, simulate } from '@stackyard/sdk/testing';
import { expect, test } from 'vitest';
import stack, { behaviour, follower, worker } from './index.ts';

describeStack(stack);

const cluster = simulate(stack).add(worker, 'a', 'b').add(follower, 'a');

test('with the defaults every phase ends at once, in silence', async () => {
  const { log, programs } = await cluster.run(worker, 'start', 'a');
  expect({ log, programs }).toEqual({ log: [], programs: [] });
});

test('it prints as many lines as it is told', async () => {
  const { log } = await cluster.set(behaviour.lines, 2).set(behaviour.startMs, 1000).run(worker, 'start', 'b');
  expect(log).toEqual(['start 1 of 2 on b', 'start 2 of 2 on b']);
});

test('it fails where and when it is told', async () => {
  const failing = cluster.set(behaviour.fail, ['follower/start', 'check']).set(behaviour.failOnHosts, ['a']);
  await expect(failing.run(follower, 'start', 'a')).rejects.toThrow('start fails on a because mock.yaml says so.');
  await expect(failing.run(worker, 'check', 'a')).rejects.toThrow('check fails on a');
  await expect(failing.run(worker, 'start', 'a')).resolves.toBeDefined();
  await expect(failing.run(worker, 'check', 'b')).resolves.toBeDefined();
});

test('it ends when its time is up', async () => {
  await expect(cluster.set(behaviour.startMs, 3_600_000).run(worker, 'start', 'a')).rejects.toThrow('out of time');
});
