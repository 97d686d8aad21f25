import { describeStack, expectGolden, simulate } from '@stackyard/sdk/testing';
import { expect, test } from 'vitest';
import stack, { client, conf, server } from './index.ts';

describeStack(stack);

const FILE = '/etc/stackyard/redis/redis_server/redis.conf';
const three = simulate(stack).add(server, 'r1', 'r2', 'r3').add(client, 'c1');

test('the lowest ordinal is the primary, whatever the names of later hosts', async () => {
  const cluster = three.add(server, 'a-sorts-first');
  expect((await cluster.run(server, 'configure', 'r1')).files[FILE]).not.toContain('replicaof');
  const { files } = await cluster.run(server, 'configure', 'a-sorts-first');
  expect(files[FILE]).toMatch(/^replicaof 10\.0\.0\.1 6379$/m);
});

test('files of a primary, a replica and a client are as reviewed', async () => {
  expectGolden(await three.run(server, 'configure', 'r1'), 'primary');
  expectGolden(await three.run(server, 'configure', 'r2'), 'replica');
  expectGolden(await three.run(client, 'configure', 'c1'), 'client');
});

test('the operator may choose another primary, which clients and members follow', async () => {
  const cluster = three.set(conf.primary, '10.0.0.2 6379');
  expect((await cluster.run(server, 'configure', 'r1')).files[FILE]).toMatch(/^replicaof 10\.0\.0\.2 6379$/m);
  expect((await cluster.run(server, 'configure', 'r2')).files[FILE]).not.toContain('replicaof');
  const { files } = await cluster.run(client, 'configure', 'c1');
  expect(files['/etc/stackyard/redis/redis_client/redis-primary.sh']).toContain('set -- 10.0.0.2 6379 "$@"\n');
});

test('the memory follows from the host, within bounds', async () => {
  const of = async (memory: number) => (await three.facts({ memory }).run(server, 'configure', 'r1')).files[FILE];
  expect(await of(128 * 1024 ** 2)).toContain('maxmemory 64mb\n');
  expect(await of(2 * 1024 ** 3)).toContain('maxmemory 512mb\n');
  expect(await of(64 * 1024 ** 3)).toContain('maxmemory 4096mb\n');
});
