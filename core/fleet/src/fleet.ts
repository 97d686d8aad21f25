import { EventEmitter, once } from 'node:events';
import { type Identity, Joiner } from '@stackyard/agent';
import { type AgentCounts, SimulatedAgent } from './agent.ts';
import { FleetError } from './errors.ts';
import type { FakeExecution } from './executor.ts';
import { randomOf } from './random.ts';

export interface FleetOptions {
  /** `host:port` where the server listens for agents, when it is not where the server says. */
  readonly server?: string | undefined;
  /** Where agents with tokens join, and the SHA-256 of the authority they are to trust. */
  readonly enrolment?: { readonly endpoint: string; readonly caSha256: string } | undefined;
  readonly agents: number;
  /** A join token per agent, which needs `enrolment`; or who gives an agent its identity. */
  readonly join: readonly string[] | ((index: number, hostName: string) => Promise<Identity>);
  /** The name of an agent's host, by its index from 0; `sim-1`, `sim-2` … unless given. */
  readonly hostName?: (index: number) => string;
  readonly executor: FakeExecution;
  /** Decides what is left to chance; 1 unless given. */
  readonly seed?: number;
  /** How many agents join and connect at a time; 20 unless told. */
  readonly concurrency?: number;
  /** So many have joined. */
  readonly onJoined?: (joined: number) => void;
  /** Nobody joins after it is aborted; those that have are stopped. */
  readonly signal?: AbortSignal;
}

export interface FleetStats extends Readonly<AgentCounts> {
  readonly agents: number;
  /** Welcomed by the server right now. */
  readonly connected: number;
}

export interface Fleet {
  /** Identities by index, to start the same fleet again. */
  readonly identities: readonly Identity[];
  stats(): FleetStats;
  /** Resolves when that many agents are connected, all of them unless told. */
  untilConnected(count?: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts simulated agents in this process: each has an identity, a connection and a session of its own.
 * @throws FleetError when there are fewer tokens than agents; JoinRefusedError
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const {
    server,
    agents: size,
    executor,
    hostName = (index) => `sim-${index + 1}`,
    concurrency = 20,
    seed = 1,
  } = options;
  if (Array.isArray(options.join) && options.join.length < size) {
    throw new FleetError(`A fleet of ${size} agents needs ${size} join tokens, but was given ${options.join.length}.`);
  }
  const counts: AgentCounts = {
    started: 0,
    succeeded: 0,
    failed: 0,
    killed: 0,
    connections: 0,
    renewals: 0,
    lapses: 0,
  };
  const changes = new EventEmitter();
  const agents: SimulatedAgent[] = [];
  const given: Identity[] = [];
  let connected = 0;

  const giver = await identities(options);

  async function startOne(index: number): Promise<void> {
    const name = hostName(index);
    const identity = await giver.give(index, name);
    const agent = new SimulatedAgent({
      identity: server === undefined ? identity : { ...identity, server },
      hostName: name,
      execution: executor,
      // Of its own, so that what happens to one does not depend on the order in which others get work.
      random: randomOf(seed + index),
      counts,
      connected: (is) => {
        connected += is ? 1 : -1;
        changes.emit('change');
      },
    });
    given[index] = identity;
    agents[index] = agent;
    agent.connect();
  }

  const fleet: Fleet = {
    identities: given,
    stats: () => ({ ...counts, agents: agents.length, connected }),
    async untilConnected(count = size) {
      while (connected < count) await once(changes, 'change');
    },
    async stop() {
      for (const agent of agents) agent?.stop();
    },
  };
  let [next, joined] = [0, 0];
  const worker = async (): Promise<void> => {
    for (let index = next++; index < size; index = next++) {
      options.signal?.throwIfAborted();
      await startOne(index);
      options.onJoined?.(++joined);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, size) }, worker));
  } catch (error) {
    next = size;
    await fleet.stop();
    throw error;
  } finally {
    giver.close();
  }
  return fleet;
}

type GiveIdentity = (index: number, hostName: string) => Promise<Identity>;

/** Who gives an agent its identity, and the end of that. */
async function identities({ join, enrolment }: FleetOptions): Promise<{ give: GiveIdentity; close: () => void }> {
  if (typeof join === 'function') return { give: join, close: () => undefined };
  if (!enrolment) throw new FleetError('A fleet that joins by tokens needs to know where: give `enrolment`.');
  const { endpoint, caSha256 } = enrolment;
  const joiner = await Joiner.at({ enrolment: endpoint, caSha256 });
  return {
    give: (index, hostName) => joiner.join({ token: join[index] ?? '', hostName }),
    close: () => joiner.close(),
  };
}
