import { type Host, until } from '@stackyard/sdk';
import { common, CONTROLLER, controllerConf } from './config.ts';
import { staying } from './reassign.ts';
import { bootstrap, partitionsOf, run, tool } from './tools.ts';

/** A line of what the producer prints. */
interface Event {
  readonly name: string;
  readonly value: string;
  readonly offset: number;
  readonly message?: string;
}

/** A message that this broker leads is copied to all others it should be on, and read from it again. */
export const producesAndConsumes = (host: Host): Promise<void> =>
  until(host, async () => {
    const { host: name, ordinal: id } = host.self;
    const topic = `stackyard-check-${id}`;
    await untilLed(host, topic);
    const said = await tool(host, 'VerifiableProducer', '--topic', topic, '--max-messages', '1', '--acks', '-1');
    const events = said.split('\n').flatMap((line): Event[] => (line.startsWith('{') ? [JSON.parse(line)] : []));
    const sent = events.find((event) => event.name === 'producer_send_success');
    if (!sent) throw new Error(`${name} did not take a message: ${events.find((event) => event.message)?.message}.`);
    const { value, offset } = sent;
    const at = ['--topic', topic, '--partition', '0', '--offset', String(offset)];
    const read = await tool(host, 'consumer.ConsoleConsumer', ...at, '--max-messages', '1', '--timeout-ms', '10000');
    if (read.trim() !== value) throw new Error(`${name} was given ${value} and gives back "${read.trim()}".`);
    host.log(`A message went through ${name}, the leader of ${topic}.`);
  });

/** A topic of its own, with one partition that this broker leads. */
async function untilLed(host: Host, topic: string): Promise<void> {
  const { ordinal: id } = host.self;
  const others = staying(host).map((each) => each.id);
  const copies = [id, ...others.filter((each) => each > id), ...others.filter((each) => each < id)];
  const wanted = copies.slice(0, host.get(common.copies));
  const [found] = await partitionsOf(host, [topic]);
  if (!found) {
    const settings = ['--config', 'retention.ms=3600000', '--config', 'segment.ms=3600000'];
    const placed = ['--replica-assignment', wanted.join(':'), ...settings];
    await tool(host, 'TopicCommand', '--create', '--if-not-exists', '--topic', topic, ...placed);
  } else if (found.replicas[0] !== id || found.replicas.length < wanted.length) {
    // It is from the time of fewer brokers, or of one that left.
    await tool(host, 'TopicCommand', '--delete', '--topic', topic);
    throw new Error(`${topic} is made anew, with copies on ${wanted.join(', ')}.`);
  } else if (found.leader !== id) {
    await tool(host, 'LeaderElectionCommand', '--election-type', 'PREFERRED', '--topic', topic, '--partition', '0');
  }
}

/**
 * How many copies have to be up to date is said in the metadata: a cluster of Kafka 4 takes it from there, whatever its
 * configs say, once it has started for the first time.
 */
async function agreeOnInSync(host: Host): Promise<void> {
  const setting = ['--add-config', `min.insync.replicas=${host.get(common.inSync)}`];
  const all = ['--alter', '--entity-type', 'brokers', '--entity-default', ...setting];
  await run(host, 'kafka.admin.ConfigCommand', '--bootstrap-server', bootstrap(host), ...all);
}

/** Every copy of every partition has what its leader has: the next broker may go down. */
export async function fullyReplicated(host: Host): Promise<void> {
  await until(host, async () => {
    const behind = await partitionsOf(host, [], '--under-replicated-partitions');
    const [first] = behind;
    if (!first) return host.log('All partitions have all their copies.');
    const missing = first.replicas.filter((id) => !first.inSync.includes(id)).join(', ');
    throw new Error(
      `${behind.length} partitions lack a copy that is up to date, such as ${first.topic}-${first.partition} on broker ${missing}. Nobody else may be stopped before that.`,
    );
  });
  // Once for all of them: who has the lowest number does it in its turn.
  if (staying(host)[0]?.id === host.self.ordinal) await agreeOnInSync(host);
}

/** A controller that is alone still answers on its port; only the quorum tells who belongs to it. */
export const inQuorum = (host: Host): Promise<void> =>
  until(host, async () => {
    const { host: name, address } = host.self;
    const id = String(host.get(controllerConf.nodeId));
    const at = ['--bootstrap-controller', `${address}:${host.get(controllerConf.port)}`, 'describe', '--replication'];
    const said = await run(host, 'org.apache.kafka.tools.MetadataQuorumCommand', ...at);
    const rows = said.split('\n').map((line) => line.split('\t').map((field) => field.trim()));
    const voters = rows.filter((row) => /Leader|Follower/.test(row.at(-1) || (row.at(-2) ?? '')));
    const own = voters.find(([node]) => node === id);
    if (!own) throw new Error(`${name} is outside the quorum of the controllers.`);
    const [, , , lag] = own;
    if (Number(lag) > 100) throw new Error(`${name} still lacks ${lag} records of the metadata.`);
    const members = host.instances(CONTROLLER).length;
    if (voters.length !== members) throw new Error(`${name} knows ${voters.length} controllers, not ${members}.`);
    host.log(`${name} is in the quorum of ${members}.`);
  });
