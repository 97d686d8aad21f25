import { type Credentials, logs, session } from '@stackyard/agent';
import { Agents, type AgentsClient, type LogAck__Output } from '@stackyard/proto';

type Call = ReturnType<AgentsClient['Logs']>;

interface Feed {
  readonly attempt: session.AttemptRef;
  readonly output: Buffer;
  state: logs.FeedState;
}

const IDLE_MS = 2_000;
const RETRY_MS = 1_000;

/** Sends what simulated tasks printed, over a connection of its own that is open only while there is something to send. */
export class FakeLogs {
  readonly #credentials: Credentials;
  readonly #feeds = new Map<string, Feed>();
  #client: AgentsClient | undefined;
  #call: Call | undefined;
  #stream = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** The whole output of an attempt that has ended. */
  printed(attempt: session.AttemptRef, output: Buffer): void {
    if (this.#stopped) return;
    const feed: Feed = { attempt, output, state: logs.newFeed() };
    this.#feeds.set(session.attemptId(attempt), feed);
    this.#happened(feed, { kind: 'ended', written: output.length });
    if (this.#call) this.#happened(feed, { kind: 'opened', stream: this.#stream });
    else this.#open();
  }

  stop(): void {
    this.#stopped = true;
    this.#feeds.clear();
    this.#close();
  }

  #open(): void {
    clearTimeout(this.#timer);
    this.#client ??= new Agents(this.#credentials.server, this.#credentials.channel(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.ssl_target_name_override': 'stackyard',
    });
    const call = this.#client.Logs();
    this.#call = call;
    this.#stream += 1;
    const broke = (): void => {
      if (this.#call !== call) return;
      this.#close();
      if (this.#feeds.size > 0 && !this.#stopped) {
        this.#timer = setTimeout(() => this.#open(), RETRY_MS * (0.5 + Math.random()));
      }
    };
    call.on('data', (ack: LogAck__Output) => this.#acknowledged(ack));
    call.on('error', broke);
    call.on('end', broke);
    for (const feed of this.#feeds.values()) this.#happened(feed, { kind: 'opened', stream: this.#stream });
  }

  #acknowledged({ attempt, durableOffset }: LogAck__Output): void {
    const feed = attempt && this.#feeds.get(session.attemptId(attempt));
    if (feed) this.#happened(feed, { kind: 'acknowledged', stream: this.#stream, durable: durableOffset });
  }

  #happened(feed: Feed, event: logs.FeedEvent): void {
    const [state, effects] = logs.stepFeed(feed.state, event);
    feed.state = state;
    for (const effect of effects) {
      if (effect.kind === 'read') {
        const { offset, length } = effect;
        this.#happened(feed, { kind: 'read', offset, data: feed.output.subarray(offset, offset + length) });
      } else if (effect.kind === 'send') {
        const { offset, data, last } = effect;
        this.#call?.write({ chunks: [{ attempt: feed.attempt, offset, data, last }] });
      } else this.#delivered(feed);
    }
  }

  #delivered(feed: Feed): void {
    this.#feeds.delete(session.attemptId(feed.attempt));
    clearTimeout(this.#timer);
    if (this.#feeds.size === 0) this.#timer = setTimeout(() => this.#close(), IDLE_MS);
  }

  #close(): void {
    clearTimeout(this.#timer);
    const call = this.#call;
    this.#call = undefined;
    call?.removeAllListeners();
    call?.on('error', () => undefined);
    call?.end();
    this.#client?.close();
    this.#client = undefined;
    for (const feed of this.#feeds.values()) this.#happened(feed, { kind: 'lost', stream: this.#stream });
  }
}
