import type { Random } from '../time/random.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Host } from './host.ts';
import { type Down, isRepeatable, type Up } from './messages.ts';
import type { SimServer } from './server.ts';
import { type End, Stream } from './stream.ts';

/** How long a connection is tried. */
const CONNECT_MS = 5_000;

/** Brings agents to a server that takes them. */
export class Network {
  readonly #timeline: Timeline;
  readonly #random: Random;
  /** The servers that listen at the address that agents know. */
  readonly #listening: () => readonly SimServer[];
  #streams = 0;

  constructor(timeline: Timeline, random: Random, listening: () => readonly SimServer[]) {
    this.#timeline = timeline;
    this.#random = random;
    this.#listening = listening;
  }

  connect(host: Host, agent: End<Down>, then: (stream: Stream<Up, Down> | undefined) => void): void {
    const { link } = host;
    const random = this.#random.fork(`stream ${host.index} ${this.#streams++}`);
    const roundTripMs = link.latency(random) + link.latency(random);
    this.#timeline.after(roundTripMs, () => {
      if (link.isBlocked('up') || link.isBlocked('down')) {
        this.#timeline.after(CONNECT_MS, () => then(undefined));
        return;
      }
      const servers = this.#listening();
      if (servers.length === 0 || !agent.process.alive) return then(undefined);
      random.pick(servers).accept(host.id, (server) => {
        const stream = new Stream<Up, Down>({
          timeline: this.#timeline,
          link,
          random,
          agent,
          server,
          repeatable: isRepeatable,
        });
        link.carry(stream);
        then(stream);
        return stream;
      });
    });
  }
}
