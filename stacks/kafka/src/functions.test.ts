import { simulate } from '@stackyard/sdk/testing';
import { expect, test } from 'vitest';
import stack, { broker, brokerConf, controller } from './index.ts';

const cluster = simulate(stack).add(controller, 'k1', 'k2', 'k3').add(broker, 'k1', 'k2', 'k3');

/** A line of what `--describe` prints. */
const line = (
  topic: string,
  partition: number,
  replicas: string,
  { leader = replicas[0], isr = replicas, more = '' } = {},
) =>
  `\tTopic: ${topic}\tPartition: ${partition}\tLeader: ${leader}\tReplicas: ${replicas}\tIsr: ${isr}\tElr: \tLastKnownElr: ${more}\n`;
const check = 'stackyard-check-1';
const led = cluster
  .prints(`--topic ${check}`, line(check, 0, '1,2,3'))
  .prints('VerifiableProducer', '{"name":"producer_send_success","key":null,"value":"0","offset":17,"partition":0}');

test('the check passes when a message that the broker leads comes back from it', async () => {
  const { log, programs } = await led.prints('ConsoleConsumer', '0\n').run(broker, 'check', 'k1');
  expect(log).toEqual(['A message went through k1, the leader of stackyard-check-1.']);
  expect(programs.at(-1)?.args.join(' ')).toContain('--bootstrap-server 10.0.0.1:9092,10.0.0.2:9092,10.0.0.3:9092');
  expect(programs.at(-1)?.args.join(' ')).toContain('--partition 0 --offset 17');
});

test.each([
  [
    'another one leads, and it cannot be made to',
    led
      .prints(`--topic ${check}`, line(check, 0, '1,2,3', { leader: '2' }))
      .prints('LeaderElectionCommand', new Error('1 replica(s) could not be elected.')),
    'could not be elected',
  ],
  [
    'it refuses',
    led.prints('VerifiableProducer', '{"message":"too few in sync"}'),
    'not take a message: too few in sync',
  ],
  ['it gives back something else', led.prints('ConsoleConsumer', '7\n'), 'k1 was given 0 and gives back "7".'],
  ['nobody answers', led.prints('TopicCommand', new Error('Timed out.')), 'Timed out.'],
  [
    'its topic is of fewer brokers',
    led.prints(`--topic ${check}`, line(check, 0, '1')),
    'made anew, with copies on 1, 2, 3',
  ],
])('the check fails when %s', async (_, world, message) => {
  await expect(world.run(broker, 'check', 'k1')).rejects.toThrow(message);
});

test('brokers settle when nothing lacks a copy, and else it is said which and where', async () => {
  const { programs } = await cluster.run(broker, 'settle', 'k1');
  expect(programs.at(-1)?.args.slice(-2)).toEqual(['--add-config', 'min.insync.replicas=2']);
  const behind = cluster.prints('--under-replicated-partitions', line('orders', 4, '1,2,3', { isr: '1,3' }));
  await expect(behind.run(broker, 'settle', 'k1')).rejects.toThrow(
    '1 partitions lack a copy that is up to date, such as orders-4 on broker 2.',
  );
});

const quorum = (...rows: string[]) =>
  ['NodeId\tDirectoryId\tLogEndOffset\tLag\tLastFetch\tCaughtUp\tStatus\t', ...rows].join('\n');
const row = (id: number, lag: number, status: string) => `${id}\tAAAA  \t26  \t${lag}  \t1\t1\t${status}\t`;

test('a controller is well as one of the quorum that has caught up', async () => {
  const well = quorum(
    row(3001, 0, 'Leader'),
    row(3002, 2, 'Follower'),
    row(3003, 0, 'Follower'),
    row(1, 0, 'Observer'),
  );
  const { log } = await cluster.prints('MetadataQuorumCommand', well).run(controller, 'check', 'k2');
  expect(log).toEqual(['k2 is in the quorum of 3.']);
});

test.each([
  ['is an observer', quorum(row(3001, 0, 'Leader'), row(3002, 0, 'Observer')), 'k2 is outside the quorum'],
  ['lags', quorum(row(3001, 0, 'Leader'), row(3002, 900, 'Follower')), 'k2 still lacks 900 records'],
  ['knows too few', quorum(row(3001, 0, 'Leader'), row(3002, 0, 'Follower')), 'k2 knows 2 controllers, not 3'],
])('a controller that %s is not', async (_, said, message) => {
  const world = cluster.prints('MetadataQuorumCommand', said);
  await expect(world.run(controller, 'check', 'k2')).rejects.toThrow(message);
});

test('a broker is emptied before it goes, and who has too few others says so and how to go on', async () => {
  const two = cluster.prints('TopicCommand', line('orders', 0, '1,2') + line('orders', 1, '2,3'));
  const drained = two.decommission(broker, 'k2');
  // In this world nothing ever moves; what was asked for is what counts.
  await expect(drained).rejects.toThrow('2 of 2 partitions still move.');
  const three = cluster.prints('TopicCommand', line('orders', 0, '1,2,3'));
  await expect(three.decommission(broker, 'k2')).rejects.toThrow(
    'k2 cannot be emptied: orders has 3 copies of each partition, and only 2 brokers would stay. Add a broker and try again, or take k2 back by recommissioning it.',
  );
  await cluster.decommission(broker, 'k2');
});

test('a name of a topic is never taken as a pattern', async () => {
  const world = cluster.prints('TopicCommand', line('orders.eu', 0, '1,2,3'));
  const { programs, result } = await world.action(broker, 'deleteTopic', { topic: 'orders.eu' });
  expect(programs.at(-1)?.args.slice(-3)).toEqual(['--delete', '--topic', 'orders\\.eu']);
  expect(result).toEqual({ topic: 'orders.eu', partitions: 1 });
  await expect(cluster.action(broker, 'deleteTopic', { topic: 'gone' })).rejects.toThrow('There is no topic gone.');
});

test('a preview says what would move and moves nothing', async () => {
  const world = cluster.prints('TopicCommand', line('t', 0, '1') + line('t', 1, '1') + line('t', 2, '1'));
  const { programs, result } = await world.action(broker, 'previewReassignment', {});
  expect(result).toEqual(['t-0: 1 to 3', 't-1: 1 to 2']);
  expect(programs).toHaveLength(1);
});

test('what a topic lacks is shown', async () => {
  const world = cluster.prints('TopicCommand', line('t', 0, '1,2', { leader: 'none', isr: '' }));
  const { result } = await world.action(broker, 'describeTopics', { topics: ['t'] });
  expect(result).toEqual([{ partition: 't-0', leader: null, replicas: [1, 2], lacking: [1, 2] }]);
});

const feature = (name: string, most: string, final: string) =>
  `Feature: ${name}   SupportedMinVersion: 0   SupportedMaxVersion: ${most}   FinalizedVersionLevel: ${final}   Epoch: 7\n`;

test('finalizing names every feature that is higher now, and never that of the quorum', async () => {
  const world = cluster
    .prints('describe', feature('metadata.version', '4.3-IV0', '3.9-IV0') + feature('group.version', '1', '1'))
    .prints(
      'version-mapping',
      'metadata.version=30 (4.3-IV0)\nkraft.version=1\ngroup.version=1\ntransaction.version=2\n',
    );
  const { programs, result } = await world.action(broker, 'finalize', {});
  expect(result).toEqual({ finalized: '4.3-IV0', changed: ['metadata.version=30', 'transaction.version=2'] });
  expect(programs.at(-1)?.args.slice(-5)).toEqual([
    'upgrade',
    '--feature',
    'metadata.version=30',
    '--feature',
    'transaction.version=2',
  ]);
  const done = cluster.prints('describe', feature('metadata.version', '4.3-IV0', '4.3-IV0'));
  expect((await done.action(broker, 'finalize', {})).result).toEqual({ finalized: '4.3-IV0', changed: [] });
});

test('a version that cannot read what was finalized is refused before anything stops', async () => {
  const { next } = await cluster.run(broker, 'start', 'k1');
  const finalized = next.prints('describe', feature('metadata.version', 'UNKNOWN 30', 'UNKNOWN 30'));
  await expect(finalized.run(broker, 'install', 'k1')).rejects.toThrow(
    'metadata.version 30), which this one cannot read',
  );
  await next.prints('describe', feature('metadata.version', '3.9-IV0', '3.9-IV0')).run(broker, 'install', 'k1');
});

test('a port of one broker alone is known to the others', async () => {
  const { files } = await cluster.override('k2', brokerConf.port, 9999).run(broker, 'configure', 'k2');
  expect(Object.values(files).join('\n')).toContain('advertised.listeners=PLAINTEXT://10.0.0.2:9999\n');
});

test('a removed broker is taken off the list by those that still answer, and by nobody where none does', async () => {
  expect((await cluster.run(broker, 'remove', 'k1')).log).toEqual([
    'No other broker answers, so there is nobody to tell that this one is gone.',
  ]);
  const { programs } = await cluster.action(broker, 'forgetBroker', { id: 7 });
  expect(programs[0]?.args.slice(-6)).toEqual([
    'org.apache.kafka.tools.ClusterTool',
    'unregister',
    '--bootstrap-server',
    '10.0.0.1:9092,10.0.0.2:9092,10.0.0.3:9092',
    '--id',
    '7',
  ]);
});
