import { action, type Host, p } from '@stackyard/sdk';
import { type Move, movesTo } from './moves.ts';
import { carryOut, staying } from './reassign.ts';
import { type Partition, partitionsOf, patternOf, tool } from './tools.ts';

const name = () => p.text().pattern(/[a-zA-Z0-9._-]{1,249}/);
const names = p
  .list([])
  .pattern(/[a-zA-Z0-9._-]{1,249}/)
  .help('Which topics; all of them when empty');

const shown = ({ topic, partition, leader, replicas, inSync }: Partition) => ({
  partition: `${topic}-${partition}`,
  leader: leader ?? null,
  replicas: [...replicas],
  lacking: replicas.filter((id) => !inSync.includes(id)),
});

async function known(host: Host, topics: readonly string[]): Promise<Partition[]> {
  const found = await partitionsOf(host, topics);
  const missing = topics.filter((topic) => !found.some((each) => each.topic === topic));
  if (missing.length > 0) throw new Error(`There is no topic ${missing.join(', ')}.`);
  return found;
}

const evened = async (host: Host, topics: readonly string[]): Promise<Move[]> =>
  movesTo(staying(host), await known(host, topics), { even: true });
const told = (moves: readonly Move[]) =>
  moves.map(({ topic, partition, from, to }) => `${topic}-${partition}: ${from.join(', ')} to ${to.join(', ')}`);

export const topics = {
  createTopic: action({
    title: 'Create a topic',
    help: 'Makes a topic with its partitions',
    input: {
      topic: name().help('Its name'),
      partitions: p.int().min(1).max(10_000).optional().help('How many partitions; as the cluster has it when absent'),
      copies: p.int().min(1).max(9).optional().help('Copies of each; as the cluster has it when absent'),
      settings: p.map({}).help('Settings of the topic, such as retention.ms'),
    },
    run: async (host, { topic, partitions, copies, settings }) => {
      const numbers = [
        ...(partitions === null ? [] : ['--partitions', String(partitions)]),
        ...(copies === null ? [] : ['--replication-factor', String(copies)]),
      ];
      const more = Object.entries(settings).flatMap(([key, value]) => ['--config', `${key}=${value}`]);
      await tool(host, 'TopicCommand', '--create', '--topic', topic, ...numbers, ...more);
      return (await partitionsOf(host, [topic])).map(shown);
    },
  }),
  describeTopics: action({
    title: 'Describe topics',
    help: 'Leaders and copies of partitions, and the copies that lack something',
    input: { topics: names },
    idempotent: true,
    run: async (host, { topics: wanted }) => (await known(host, wanted)).map(shown),
  }),
  deleteTopic: action({
    title: 'Delete a topic',
    help: 'Removes a topic with all its messages',
    input: { topic: name().help('Its name') },
    danger: 'All messages of the topic are lost',
    run: async (host, { topic }) => {
      const { length } = await known(host, [topic]);
      await tool(host, 'TopicCommand', '--delete', '--topic', patternOf([topic]));
      return { topic, partitions: length };
    },
  }),
  previewReassignment: action({
    title: 'Preview a reassignment',
    help: 'What a reassignment of these topics would move, without moving anything',
    input: { topics: names },
    idempotent: true,
    run: async (host, { topics: wanted }) => told(await evened(host, wanted)),
  }),
  reassign: action({
    title: 'Reassign',
    help: 'Gives all brokers equally many copies, as after one was added; as few as possible move',
    input: { topics: names },
    danger: 'Copies move over the network, at the rate of broker.jvm moveRate; preview it first',
    timeout: 24 * 3600,
    idempotent: true,
    run: async (host, { topics: wanted }) => {
      const moves = await evened(host, wanted);
      await carryOut(host, moves);
      return told(moves);
    },
  }),
};
