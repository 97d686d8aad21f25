import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComponentAnswer, JobAnswer } from './api.ts';
import { signal, until, type World } from './world.ts';

/** A service of Kafka in a world, as an operator works with it. */
export class KafkaCluster {
  readonly #world: World;
  readonly #name: string;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
  }

  /** Three controllers, brokers where they are told, and a client on the first host; with the sizes of the contract. */
  async install(hosts: readonly string[], brokers: readonly string[], version: string): Promise<JobAnswer> {
    const file = new URL('../../../stacks/kafka/contract.json', import.meta.url);
    const { config } = JSON.parse(await readFile(file, 'utf8'));
    await this.#world.api.post('/clusters', { name: this.#name, hosts });
    const components = { kafka_controller: hosts.slice(0, 3), kafka_broker: brokers, kafka_client: [hosts[0]] };
    return this.run({ command: 'add', services: [{ service: 'kafka', version, components, config: config.kafka }] });
  }

  /** Runs a command that has to succeed. */
  async run(command: object): Promise<JobAnswer> {
    const job = await this.#world.api.run(this.#name, command);
    if (job.state === 'SUCCESSFUL') return job;
    throw new Error(`${job.title} is ${job.state}.\n${await this.#world.api.story(job.id)}`);
  }

  /** What an action of a broker gives back. */
  async act(action: string, input: object = {}): Promise<unknown> {
    const target = { component: 'kafka_broker' };
    const { id } = await this.run({ command: 'action', target, action, input, agree: true });
    const [task] = await this.#world.api.tasks(id);
    const path = `/tasks/${task!.id}/attempts`;
    return (await this.#world.api.get<{ items: { result: unknown }[] }>(path)).items.at(-1)?.result;
  }

  of(component: string): Promise<ComponentAnswer[]> {
    return this.#world.api.components(this.#name, `&component=${component}`);
  }

  /** Kills a process as the kernel would, and gives what was known of it. */
  async kill(component: string, host: string): Promise<ComponentAnswer> {
    const found = await this.on(component, host);
    signal(found.pid ?? 0, 'SIGKILL');
    return found;
  }

  async on(component: string, host: string): Promise<ComponentAnswer> {
    return (await this.of(component)).find((each) => each.host === host)!;
  }
}

/** Kafka's own tools, by the script of the client component of a host. */
export class KafkaTools {
  readonly #script: string;

  constructor(root: string) {
    this.#script = join(root, 'etc/stackyard/kafka/kafka_client/kafka.sh');
  }

  /** Runs a tool to its end, with these lines as its input. */
  async run(args: readonly string[], input: readonly string[] = []): Promise<string> {
    const child = this.start(args);
    let said = '';
    let wrong = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (wrong += text));
    child.stdin!.on('error', () => undefined).end(input.map((line) => `${line}\n`).join(''));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`kafka.sh ${args.join(' ')} ended with ${code}: ${wrong}${said}`);
    return said;
  }

  start(args: readonly string[]): ChildProcess {
    return spawn(this.#script, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  }

  async produce(topic: string, messages: readonly string[]): Promise<void> {
    await this.run(['console-producer', '--topic', topic, '--request-required-acks', 'all'], messages);
  }

  /** So many messages from the beginning, sorted. */
  async consume(topic: string, count: number): Promise<string[]> {
    const limits = ['--max-messages', String(count), '--timeout-ms', '60000'];
    const said = await this.run(['console-consumer', '--topic', topic, '--from-beginning', ...limits]);
    return said.trimEnd().split('\n').toSorted();
  }
}

/** A producer and a consumer that go on while something is done to the cluster. */
export class Traffic {
  /** What the cluster has promised to keep, and what came out of it. */
  readonly acked = new Set<string>();
  readonly consumed = new Set<string>();
  readonly #producer: ChildProcess;
  readonly #consumer: ChildProcess;
  #failed = '';

  private constructor(producer: ChildProcess, consumer: ChildProcess) {
    this.#producer = producer;
    this.#consumer = consumer;
    lines(consumer, (line) => this.consumed.add(line));
    lines(producer, (line) => {
      const { name, value, message } = JSON.parse(line) as { name: string; value: string; message?: string };
      if (name === 'producer_send_success') this.acked.add(value);
      if (name === 'producer_send_error') this.#failed = `${value}: ${message}`;
    });
  }

  static async start(tools: KafkaTools, topic: string, folder: string): Promise<Traffic> {
    // The tool gives up a message at the first refusal unless it is told what every other producer does by itself.
    const settings = join(folder, 'producer.properties');
    await writeFile(settings, 'retries=2147483647\n');
    const rate = ['--throughput', '50', '--acks', '-1', '--producer.config', settings];
    const consumer = ['--from-beginning', '--group', `g-${topic}`];
    return new Traffic(
      tools.start(['verifiable-producer', '--topic', topic, ...rate]),
      tools.start(['console-consumer', '--topic', topic, ...consumer]),
    );
  }

  /** More messages came through, from one end to the other. */
  async flows(): Promise<void> {
    const [acked, consumed] = [this.acked.size, this.consumed.size];
    await until('messages go through', async () => this.acked.size > acked + 20 && this.consumed.size > consumed + 20);
  }

  /** Ends the producer, lets the consumer read the rest, and gives what was promised and never came. */
  async lost(): Promise<string[]> {
    await ended(this.#producer, 'SIGTERM');
    if (this.#failed !== '') throw new Error(`A message was refused: ${this.#failed}`);
    const missing = (): string[] => [...this.acked].filter((value) => !this.consumed.has(value));
    await until('all that was acknowledged is consumed', async () => missing().length === 0).catch(() => undefined);
    await this.close();
    return missing();
  }

  async close(): Promise<void> {
    await Promise.all([ended(this.#producer, 'SIGKILL'), ended(this.#consumer, 'SIGKILL')]);
  }
}

function lines(child: ChildProcess, each: (line: string) => void): void {
  let rest = '';
  child.stderr!.resume();
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line !== '') each(line);
  });
}

async function ended(child: ChildProcess, name: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, 'close');
  signal(child.pid ?? 0, name);
  await over;
}
