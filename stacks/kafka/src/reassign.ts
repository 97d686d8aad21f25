import { type Host, type Instance, until } from '@stackyard/sdk';
import { BROKER, brokerConf, brokerJvm } from './config.ts';
import { type Move, movesTo, planOf } from './moves.ts';
import { bootstrap, type Partition, partitionsOf, portOf, run, tool } from './tools.ts';

const TOOL = 'reassign.ReassignPartitionsCommand';

/** Brokers that are to have copies, with their racks. */
export const staying = (host: Host) =>
  host
    .instances(BROKER)
    .filter(({ leaving }) => !leaving)
    .map(({ ordinal, overrides }) => {
      const rack = overrides?.['broker.properties']?.['rack'] ?? host.get(brokerConf.rack);
      return { id: ordinal, rack: typeof rack === 'string' ? rack : null };
    });

async function ask(host: Host, verb: string, moves: readonly Move[], ...more: string[]): Promise<string> {
  const file = `${host.paths.log}/reassign-${host.self.hostComponentId}.json`;
  await host.write(file, planOf(moves));
  return tool(host, TOOL, '--reassignment-json-file', file, verb, ...more);
}

/** Moves copies, at the rate that the operator allows, until all are where they go. */
export async function carryOut(host: Host, moves: readonly Move[]): Promise<void> {
  if (moves.length === 0) return;
  await ask(host, '--execute', moves, '--additional', '--throttle', String(host.get(brokerJvm.moveRate) * 1024 * 1024));
  const moved = new Map(moves.map((move) => [`${move.topic}-${move.partition}`, move]));
  const isMoving = ({ topic, partition, replicas }: Partition): boolean => {
    const to = moved.get(`${topic}-${partition}`)?.to ?? replicas;
    return to.length !== replicas.length || !to.every((id) => replicas.includes(id));
  };
  await until(host, async () => {
    const left = (await partitionsOf(host, [])).filter(isMoving);
    host.log(`${moves.length - left.length} of ${moves.length} partitions have moved.`);
    if (left.length > 0) throw new Error(`${left.length} of ${moves.length} partitions still move.`);
  });
  // It takes back the limits that the move was under.
  await ask(host, '--verify', moves);
}

/** Empties a broker: every copy that it has goes to those that stay. */
export async function drain(host: Host): Promise<void> {
  const remain = staying(host);
  const own = (await partitionsOf(host, [])).filter(({ replicas }) => replicas.includes(host.self.ordinal));
  const largest = own.toSorted((a, b) => b.replicas.length - a.replicas.length)[0];
  if (largest && largest.replicas.length - largest.removing.length > remain.length) {
    throw new Error(
      `${host.self.host} cannot be emptied: ${largest.topic} has ${largest.replicas.length} copies of each partition, and only ${remain.length} brokers would stay. ` +
        `Add a broker and try again, or take ${host.self.host} back by recommissioning it.`,
    );
  }
  host.log(`${own.length} partitions have a copy on ${host.self.host}.`);
  // What an earlier attempt began goes on; the rest of the copies is given out anew.
  await carryOut(host, movesTo(remain, own));
  await until(host, async () => {
    const left = (await partitionsOf(host, [])).filter(({ replicas }) => replicas.includes(host.self.ordinal)).length;
    if (left > 0) throw new Error(`${host.self.host} still has copies of ${left} partitions.`);
  });
}

/** What still moves away from a broker that stays after all is called off; what has moved comes back by a reassignment. */
export async function undo(host: Host, back: readonly Instance[]): Promise<void> {
  const ids = back.map(({ ordinal }) => ordinal);
  const moving = (await partitionsOf(host, [])).filter(({ removing }) => removing.some((id) => ids.includes(id)));
  if (moving.length === 0) return host.log('Nothing moves. Reassign topics to give it copies again.');
  const off = moving.map(({ topic, partition, replicas: from, removing }) => {
    return { topic, partition, from, to: from.filter((id) => !removing.includes(id)) };
  });
  await ask(host, '--cancel', off);
  host.log(`${moving.length} moves were called off.`);
}

export async function unregister(host: Host, id: number): Promise<void> {
  const at = ['--bootstrap-server', bootstrap(host), '--id', String(id)];
  await run(host, 'org.apache.kafka.tools.ClusterTool', 'unregister', ...at);
}

/** A broker that is gone for good is forgotten, so that nobody waits for it. */
export async function forget(host: Host): Promise<void> {
  const others = host.instances(BROKER).filter(({ ordinal }) => ordinal !== host.self.ordinal);
  for (const other of others) {
    if (!(await host.connects(portOf(host, other), { address: other.address }))) continue;
    return unregister(host, host.self.ordinal);
  }
  host.log('No other broker answers, so there is nobody to tell that this one is gone.');
}
