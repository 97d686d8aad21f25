import type { AgentSays, EngineState, Happening, HelloMessage, KnownAttempt } from '@stackyard/server/engine';
import type { Process } from '../time/process.ts';
import type { Trace } from '../time/trace.ts';
import type { Database } from './database.ts';
import { Inbox } from './inbox.ts';
import { type Down, toServer, type Up } from './messages.ts';
import type { Observer } from './observer.ts';
import { knownAttempts } from './queries.ts';
import type { End, Stream } from './stream.ts';

export interface TalksOptions {
  /** Of the server. */
  readonly name: string;
  readonly process: Process;
  readonly database: Database;
  readonly trace: Trace;
  readonly observer: Observer;
  /** What the engine knows; there is none before its rows are read. */
  readonly state: () => EngineState | undefined;
  /** Tells the engine; answers how many effects that had. */
  readonly happened: (happening: Happening) => number;
  /** Reads the row of a host again. */
  readonly learnHost: (hostId: string, then: () => void, broke: () => void) => void;
  readonly heardOf: (hostId: string) => void;
}

interface Talk {
  readonly hostId: string;
  readonly stream: Stream<Up, Down>;
  readonly inbox: Inbox<Up>;
}

/** The streams of the agents at a server: what comes on them is told to the engine, looked up first where that is needed. */
export class Talks {
  readonly #options: TalksOptions;
  readonly #talks = new Map<number, Talk>();
  readonly #newestOf = new Map<string, number>();
  #lastStream = 0;

  constructor(options: TalksOptions) {
    this.#options = options;
  }

  /** A new stream of a host; `streamOf` is given what stands at this end of it. */
  accept(hostId: string, streamOf: (end: End<Up>) => Stream<Up, Down>): void {
    const number = ++this.#lastStream;
    const inbox = new Inbox<Up>((up) => this.#hear(hostId, number, up));
    const stream = streamOf({
      process: this.#options.process,
      received: (up) => this.#talks.get(number)?.inbox.take(up),
      closed: (clean) => this.#closed(number, clean),
    });
    this.#talks.set(number, { hostId, stream, inbox });
  }

  hostOf(stream: number): string | undefined {
    return this.#talks.get(stream)?.hostId;
  }

  say(stream: number, message: Down): void {
    this.#talks.get(stream)?.stream.down.send(message);
    if (message.kind !== 'dispatch') {
      this.#options.observer.see({ kind: 'said', by: this.#options.name, text: JSON.stringify(message) });
    }
  }

  leave(stream: number): void {
    this.#talks.get(stream)?.stream.leave('down', false);
    this.#talks.delete(stream);
  }

  leaveAll(): void {
    for (const { stream } of this.#talks.values()) stream.leave('down', false);
    this.#talks.clear();
  }

  /** What cannot be judged without the database makes the next message of the stream wait. */
  #hear(hostId: string, stream: number, up: Up): ((done: () => void) => void) | undefined {
    const { name, process, database, trace } = this.#options;
    const message = toServer(up);
    trace.note(name, `hears ${message.kind}`, 'id' in message ? message.id : hostId);
    if (message.kind === 'hello') return (done) => this.#greet(hostId, stream, message, done);
    const isNews = message.kind === 'accepted' || message.kind === 'started' || message.kind === 'result';
    if (!isNews || this.#issuedTo(hostId)?.has(message.id)) {
      this.#heard(hostId, stream, message, undefined);
      return undefined;
    }
    return (done) =>
      database.read(process, knownAttempts(hostId, [message.id]), (known) => {
        if (known) this.#heard(hostId, stream, message, known.get(message.id));
        else this.#broke(hostId, stream);
        done();
      });
  }

  #heard(
    hostId: string,
    stream: number,
    message: Exclude<AgentSays, HelloMessage>,
    known: KnownAttempt | undefined,
  ): void {
    const { name, observer, happened, heardOf } = this.#options;
    const superseded = (this.#newestOf.get(hostId) ?? 0) > stream;
    const effects = happened({ kind: 'message', hostId, stream, message, known });
    if (!superseded) heardOf(hostId);
    observer.see({ kind: 'heard', by: name, message: message.kind, superseded, effects });
  }

  #greet(hostId: string, stream: number, hello: HelloMessage, done: () => void): void {
    const { process, database, happened, learnHost, heardOf } = this.#options;
    const broke = (): void => {
      this.#broke(hostId, stream);
      done();
    };
    const judge = (): void => {
      const unissued = () => {
        const issued = this.#issuedTo(hostId);
        return hello.inventory.map(({ id }) => id).filter((id) => !issued?.has(id));
      };
      const asked = new Set(unissued());
      database.read(process, knownAttempts(hostId, [...asked]), (known) => {
        if (!known) return broke();
        // What was given up may have been committed meanwhile: then only the database knows it.
        if (this.#talks.has(stream) && unissued().some((id) => !asked.has(id))) return judge();
        // It may have gone while the database was asked.
        if (this.#talks.has(stream)) {
          this.#newestOf.set(hostId, Math.max(stream, this.#newestOf.get(hostId) ?? 0));
          heardOf(hostId);
          happened({ kind: 'hello', hostId, stream, hello, known });
        }
        done();
      });
    };
    learnHost(hostId, judge, broke);
  }

  /** Without the database nothing an agent says can be judged: it comes back and says it again. */
  #broke(hostId: string, stream: number): void {
    this.#options.happened({ kind: 'unjudged', hostId });
    this.leave(stream);
    this.#options.happened({ kind: 'closed', hostId, stream, clean: false });
  }

  #closed(stream: number, clean: boolean): void {
    const talk = this.#talks.get(stream);
    this.#talks.delete(stream);
    if (talk && this.#options.state()) this.#options.happened({ kind: 'closed', hostId: talk.hostId, stream, clean });
  }

  #issuedTo(hostId: string) {
    return this.#options.state()?.sessions.hosts.get(hostId)?.issued;
  }
}
