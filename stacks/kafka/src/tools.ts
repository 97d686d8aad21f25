import type { Host, Instance } from '@stackyard/sdk';
import { BROKER, brokerConf } from './config.ts';

const JVM = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];

/** Runs one of Kafka's own tools to its end; gives back what it prints. */
export async function run(host: Host, main: string, ...args: string[]): Promise<string> {
  const { kafka } = host.paths.packages;
  return (await host.run('java', ...JVM, '-cp', `${kafka}/lib/*`, main, ...args)).stdout;
}

/** A tool that asks brokers: this one where it is one, and the others should it not answer. */
export const tool = (host: Host, name: string, ...args: string[]): Promise<string> =>
  run(host, `org.apache.kafka.tools.${name}`, '--bootstrap-server', bootstrap(host), ...args);

export function bootstrap(host: Host): string {
  const own = (each: Instance): number => (each.address === host.self.address ? 0 : 1);
  const brokers = host.instances(BROKER).toSorted((a, b) => own(a) - own(b));
  return brokers.map((each) => `${each.address}:${portOf(host, each)}`).join(',');
}

/** The port of a broker: its own where the operator has set one for its host. */
export function portOf(host: Host, broker: Instance): number {
  const port = broker.overrides?.['broker.properties']?.['port'];
  return typeof port === 'number' ? port : host.get(brokerConf.port);
}

export interface Partition {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number | undefined;
  /** Those that are to have a copy; while they change, those that were to as well. */
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
  /** Replicas that are on their way out. */
  readonly removing: readonly number[];
}

/** Partitions of all topics, or of some; `only` is a filter of the tool such as `--under-replicated-partitions`. */
export async function partitionsOf(host: Host, topics: readonly string[], ...only: string[]): Promise<Partition[]> {
  const named = topics.length > 0 ? ['--if-exists', '--topic', patternOf(topics)] : [];
  const text = await tool(host, 'TopicCommand', '--describe', ...named, ...only);
  return text.split('\n').flatMap((line) => (line.startsWith('\tTopic: ') ? [partitionIn(line)] : []));
}

/** The tool reads what names topics as a regular expression, where a dot is any letter. */
export const patternOf = (topics: readonly string[]): string =>
  topics.map((topic) => topic.replaceAll('.', '\\.')).join('|');

function partitionIn(line: string): Partition {
  const said = Object.fromEntries(
    line.split('\t').map((field) => [field.split(': ')[0], field.slice(field.indexOf(':') + 1).trim()]),
  ) as Record<string, string | undefined>;
  const ids = (text = ''): number[] => (text === '' ? [] : text.split(',').map(Number));
  const leader = Number(said['Leader']);
  return {
    topic: said['Topic'] ?? '',
    partition: Number(said['Partition']),
    leader: Number.isInteger(leader) && leader >= 0 ? leader : undefined,
    replicas: ids(said['Replicas']),
    inSync: ids(said['Isr']),
    removing: ids(said['Removing Replicas']),
  };
}
