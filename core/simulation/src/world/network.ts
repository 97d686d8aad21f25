import type { Random } from '../time/random.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Host } from './host.ts';
import type { LogDown, LogStream, LogUp } from './logFeeds.ts';
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
  #logStreams = 0;

  constructor(timeline: Timeline, random: Random, listening: () => readonly SimServer[]) {
    this.#timeline = timeline;
    this.#random = random;
    this.#listening = listening;
  }

  connect(host: Host, agent: End<Down>, then: (stream: Stream<Up, Down> | undefined) => void): void {
    this.#connect<Up, Down>(host, `stream ${host.index} ${this.#streams++}`, agent, (server, open) =>
      server && open ? server.accept(host.id, (end) => opened(open(end, isRepeatable), then)) : then(undefined),
    );
  }

  connectLogs(host: Host, agent: End<LogDown>, then: (stream: LogStream | undefined) => void): void {
    this.#connect<LogUp, LogDown>(host, `logs ${host.index} ${this.#logStreams++}`, agent, (server, open) =>
      server && open
        ? server.logs.accept(host.id, (end) =>
            opened(
              open(end, () => false),
              then,
            ),
          )
        : then(undefined),
    );
  }

  #connect<Above, Below>(
    host: Host,
    name: string,
    agent: End<Below>,
    reached: (
      server: SimServer | undefined,
      open?: (server: End<Above>, repeatable: (message: Above | Below) => boolean) => Stream<Above, Below>,
    ) => void,
  ): void {
    const { link } = host;
    const random = this.#random.fork(name);
    const roundTripMs = link.latency(random) + link.latency(random);
    this.#timeline.after(roundTripMs, () => {
      if (link.isBlocked('up') || link.isBlocked('down')) {
        this.#timeline.after(CONNECT_MS, () => reached(undefined));
        return;
      }
      const servers = this.#listening();
      if (servers.length === 0 || !agent.process.alive) return reached(undefined);
      reached(random.pick(servers), (server, repeatable) => {
        const stream = new Stream<Above, Below>({ timeline: this.#timeline, link, random, agent, server, repeatable });
        link.carry(stream);
        return stream;
      });
    });
  }
}

function opened<Opened>(stream: Opened, then: (stream: Opened) => void): Opened {
  then(stream);
  return stream;
}
