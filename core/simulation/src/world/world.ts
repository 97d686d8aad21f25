import type { Scenario } from '../scenario/scenario.ts';
import { Random } from '../time/random.ts';
import { Timeline } from '../time/timeline.ts';
import { Trace } from '../time/trace.ts';
import { SimAgent } from './agent.ts';
import { Database } from './database.ts';
import { Host } from './host.ts';
import type { Facts, Wanted } from './ledger.ts';
import { Link } from './link.ts';
import { Network } from './network.ts';
import { Observer } from './observer.ts';
import type { HostRow, Tables } from './rows.ts';
import { isKept } from './logFeeds.ts';
import { toldBytes } from './output.ts';
import { SimServer } from './server.ts';
import { Shelf } from './shelf.ts';
import { Silence } from './silence.ts';
import { clusterId, hostId, legible, uuid, wantedOf } from './workload.ts';

const INSTALL_ID = uuid(9);
/** A supervisor starts a server again that ended by itself. */
const RESTART_MS = 2_000;

/** All machines of a run, and who works on them. */
export class World {
  readonly scenario: Scenario;
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly trace: Trace;
  readonly observer: Observer;
  readonly database: Database;
  readonly hosts: readonly Host[];
  readonly agents: SimAgent[] = [];
  readonly wanted: ReadonlyMap<string, Wanted>;
  /** Hosts that do not come back. */
  readonly gone = new Set<number>();
  /** Requests that no server has taken yet. */
  openRequests = 0;
  readonly #network: Network;
  readonly #living = new Map<string, number>();
  readonly #undisturbedSince: number[];
  readonly #silence: Silence;
  /** When the servers heard nobody the last time. */
  #deaf = { from: -1, until: -1 };
  #servers: SimServer[] = [];
  readonly #diskRandom: Random;
  shelf: Shelf;
  #serverCount = 0;
  #boots = 0;

  constructor(scenario: Scenario, { readable }: { readonly readable: boolean }) {
    this.scenario = scenario;
    this.random = new Random(scenario.seed).fork('world');
    this.trace = new Trace(this.timeline, { readable, legible });
    this.observer = new Observer(() => this.#facts, this.trace);
    this.wanted = wantedOf(scenario);
    this.#silence = new Silence(this.timeline);
    this.database = new Database({
      timeline: this.timeline,
      random: this.random.fork('database'),
      quality: scenario.database,
      tables: firstTables(scenario),
      written: (before, after, { epoch }) => {
        this.trace.note('database', `${after.state} ${after.dispatch ?? ''} ${after.reason ?? ''}`, after.id);
        this.observer.see({ kind: 'committed', before, after, epoch });
      },
    });
    this.#network = new Network(this.timeline, this.random.fork('network'), () =>
      this.#servers.filter(({ isUp, process }) => isUp && process.alive),
    );
    this.hosts = Array.from({ length: scenario.hosts }, (_, index) => this.#newHost(index));
    this.#undisturbedSince = this.hosts.map(() => 0);
    this.#diskRandom = this.random.fork('disk of the server');
    this.shelf = this.#newShelf();
    this.startServer();
    for (const host of this.hosts) this.startAgent(host.index);
  }

  /** The one that requests go to. */
  get server(): SimServer | undefined {
    return this.#servers.findLast(({ isUp }) => isUp);
  }

  get servers(): readonly SimServer[] {
    return this.#servers;
  }

  /** On another machine, beside the one that runs. */
  startSecondServer(): void {
    this.shelf = this.#newShelf();
    this.startServer();
  }

  startServer(): void {
    const { scenario } = this;
    this.#serverCount += 1;
    this.#servers.push(
      new SimServer({
        name: `server${this.#serverCount}`,
        timeline: this.timeline,
        clock: { rate: this.scenario.clocks.server, since: this.timeline.now },
        settings: this.scenario.settings,
        database: this.database,
        trace: this.trace,
        observer: this.observer,
        wanted: this.wanted,
        shelf: this.shelf,
        diskMs: () => scenario.disk.latencyMs * this.#diskRandom.between(0.5, 1.5),
        buildMs: () => this.#diskRandom.pick([2, 2, 50, 3_000]),
        up: () => this.wasDeaf(Infinity),
        ended: (server) => {
          this.#servers = this.#servers.filter((other) => other !== server);
          // The newest is the one that is looked after.
          if (this.#servers.length === 0) this.timeline.after(RESTART_MS, () => this.#startUnlessThere());
        },
        heard: (id, server) => {
          if (server === this.#servers.at(-1)) this.#silence.heard(id);
        },
      }),
    );
  }

  killServers(): void {
    for (const server of this.#servers) server.kill();
    this.#servers = [];
  }

  startAgent(index: number): void {
    this.#boots += 1;
    const host = this.hosts[index]!;
    this.agents[index] = new SimAgent({
      host,
      boot: this.#boots,
      installId: INSTALL_ID,
      settings: this.scenario.settings,
      connectLogs: (end, then) => this.#network.connectLogs(host, end, then),
      connect: (end, then) => this.#network.connect(host, end, then),
    });
  }

  killAgent(index: number): void {
    this.agents[index]?.kill();
    this.disturb(index);
  }

  /** For so long the servers heard nobody. Half a lease of it is not noticed. */
  wasDeaf(ms: number): void {
    const { clocks, settings } = this.scenario;
    if (ms * clocks.server <= settings.leaseMs / 2) return;
    const { now } = this.timeline;
    const { from, until } = this.#deaf;
    const since = now - ms;
    // Stops that overlap are one. A server that has just begun has heard nobody, whatever was before.
    const isOverlap = since <= until && ms < Infinity;
    this.#silence.excuse(
      this.hosts.map(({ id }) => id),
      isOverlap ? Math.max(0, from - since) + now - until : ms,
    );
    this.#deaf = { from: isOverlap ? Math.min(from, since) : Math.max(0, since), until: now };
  }

  /** What is promised about a host in peace is not promised now. */
  disturb(index: number): void {
    this.#undisturbedSince[index] = this.timeline.now;
  }

  /** What is on the server of the logs of all that has ended, in the end. */
  seeLogs(): void {
    if (this.scenario.faults.some(({ kind }) => kind === 'secondServer')) return;
    for (const { index, spool } of this.hosts) {
      if (this.gone.has(index)) continue;
      for (const [attemptId, { exit, logSize, decision }] of spool.entries) {
        if (!exit || decision === 'none' || this.shelf.excused.has(attemptId)) continue;
        const kept = toldBytes(exit.value.logSize ?? logSize, logSize);
        const { size, complete } = this.shelf.fileOf(attemptId);
        this.observer.see({ kind: 'logEnded', attemptId, kept, stored: size, complete });
      }
    }
  }

  #newShelf(): Shelf {
    return new Shelf((attemptId, from, data) => {
      const same = this.hosts.some((host) => isKept(attemptId, from, data, host.printedBy(attemptId)));
      this.observer.see({ kind: 'logStored', attemptId, bytes: from + data.length, same });
    });
  }

  #startUnlessThere(): void {
    if (this.#servers.length === 0) this.startServer();
  }

  #newHost(index: number): Host {
    const { scenario, timeline, trace, observer, wanted } = this;
    return new Host({
      index,
      id: hostId(index),
      scenario,
      timeline,
      random: this.random.fork(`host ${index}`),
      trace,
      observer,
      link: new Link(timeline, scenario.network),
      wanted,
      living: this.#living,
    });
  }

  get #facts(): Facts {
    const { now } = this.timeline;
    return {
      now,
      tables: this.database.tables,
      wanted: this.wanted,
      settings: this.scenario.settings,
      gone: this.gone,
      living: this.#living,
      undisturbedMs: (host) => now - Math.max(this.agents[host]?.liveSince ?? now, this.#undisturbedSince[host]!),
      silentMs: (host) => this.#silence.of(hostId(host)) * this.scenario.clocks.server,
    };
  }
}

function firstTables({ hosts, jobs }: Scenario): Tables {
  const clusters = Math.max(1, ...jobs.map(({ cluster }) => cluster + 1));
  const rows = Array.from({ length: hosts }, (_, index): [string, HostRow] => [
    hostId(index),
    {
      id: hostId(index),
      name: `h${index}`,
      clusterId: clusterId(index % clusters),
      sessionNo: 0,
      journalId: null,
      hostBootId: null,
      connected: false,
      lastSeenAt: null,
    },
  ]);
  return {
    installation: { installId: INSTALL_ID, epoch: 0, commitNo: 0 },
    hosts: new Map(rows),
    jobs: new Map(),
    tasks: new Map(),
    attempts: new Map(),
    events: new Set(),
  };
}
