import { type executor, session } from '@stackyard/agent';
import type { Settings } from '../scenario/scenario.ts';
import { Process } from '../time/process.ts';
import type { Random } from '../time/random.ts';
import type { Undo } from '../time/timeline.ts';
import { AgentDisk } from './agentDisk.ts';
import { AgentWork } from './agentWork.ts';
import type { Host } from './host.ts';
import { type ConnectLogs, LogFeeds } from './logFeeds.ts';
import type { Down, Up } from './messages.ts';
import { idOf } from './spool.ts';
import type { End, Stream } from './stream.ts';

export interface AgentOptions {
  readonly host: Host;
  readonly boot: number;
  readonly installId: string;
  readonly settings: Settings;
  /** Opens a stream to a server, and answers when that is done or cannot be done. */
  readonly connectLogs: ConnectLogs;
  readonly connect: (end: End<Down>, then: (stream: Stream<Up, Down> | undefined) => void) => void;
}

/** From the start of the process until it reads its disk. */
const START_UP_MS = 300;
/** Of one event. */
const MOST_TURNS = 10_000;

/** An agent process: the real session and executor, and adapters as thin as the real ones. */
export class SimAgent {
  readonly host: Host;
  readonly process: Process;
  readonly #options: AgentOptions;
  readonly #random: Random;
  readonly #disk: AgentDisk;
  readonly #timers = new Map<session.Timer, Undo>();
  readonly #waiting: session.Happening[] = [];
  readonly #logs: LogFeeds;
  readonly #work: AgentWork;
  #session: session.SessionState | undefined;
  #stream: Stream<Up, Down> | undefined;
  #streamNo = 0;
  #tries = 0;
  #liveSince: number | undefined;
  readonly #beats = new Map<number, number>();
  #leaseEnd = -Infinity;
  #busy = false;

  constructor(options: AgentOptions) {
    const { host, boot } = options;
    this.#options = options;
    this.host = host;
    this.process = new Process(host.timeline, host.clock);
    this.#random = host.random.fork(`agent ${boot}`);
    const { process } = this;
    this.#disk = new AgentDisk(host, process, (event) => this.#work.happened(event));
    this.#work = new AgentWork({
      host,
      process,
      disk: this.#disk,
      say: (happening) => {
        this.#told(happening);
        this.#followLog(happening);
      },
      recovered: (attempts) => this.#recovered(attempts),
      startAsked: (attempt) => this.#seeStart('startAsked', attempt, process.now),
      alert: (message) => this.#alert(message),
    });
    this.#logs = new LogFeeds(this.process, host.random.fork(`logs ${boot}`), options.connectLogs);
    process.later(START_UP_MS, () => this.#disk.read((found) => this.#work.happened({ kind: 'boot', ...found })));
  }

  /** Since when it has a session that works. */
  get liveSince(): number | undefined {
    return this.process.alive && !this.process.stopped ? this.#liveSince : undefined;
  }

  /** Nothing is left that the server does not know. */
  get isSettled(): boolean {
    return this.liveSince !== undefined && this.#session?.attempts.size === 0 && this.#logs.isIdle;
  }

  /** kill -9: what it started lives on. */
  kill(): void {
    if (!this.process.alive) return;
    this.#note('is killed');
    this.process.kill();
    this.#stream?.leave('up', false);
    this.#stream = undefined;
    this.#logs.leave();
    this.#work.leave();
  }

  #told(event: session.Happening): void {
    this.#waiting.push(event);
    if (this.#busy || !this.#session) return;
    this.#busy = true;
    let turns = 0;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      turns += 1;
      if (turns > MOST_TURNS)
        throw new Error(`Session and executor of host ${this.host.index} answer one another for ever.`);
      const [state, effects] = session.step(this.#session, { ...next, now: this.process.now });
      const { link } = state;
      if (link?.phase !== 'LIVE') this.#liveSince = undefined;
      else if (this.#session.link?.phase !== 'LIVE' || this.#session.link.stream !== link.stream) this.#goesLive(link);
      this.#session = state;
      for (const effect of effects) this.#carryOut(effect);
    }
    this.#busy = false;
  }

  #carryOut(effect: session.Effect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(effect.stream, effect.message);
      case 'close':
        if (effect.stream !== this.#streamNo) return;
        this.#stream?.leave('up', false);
        return this.#disconnected(effect.retryAfterMs ?? 0);
      case 'saveFence':
        return this.#disk.saveFence(effect.fence, () => this.#told({ kind: 'fenceSaved', fence: effect.fence }));
      case 'schedule': {
        this.#timers.get(effect.timer)?.();
        const afterMs = effect.afterMs * (1 + effect.jitter * (this.#random.fraction() * 2 - 1)) + 1;
        const { timer } = effect;
        this.#timers.set(
          timer,
          this.process.after(afterMs, () => this.#told({ kind: 'timer', timer })),
        );
        return;
      }
      case 'alert':
        return this.#alert(effect.message);
      case 'start':
        this.#seeStart('startAllowed', effect.attempt, effect.until);
        return this.#work.happened(effect);
      case 'recall':
        return this.#recall(effect.attempt);
      case 'journal':
      case 'bury':
      case 'finish':
      case 'end':
      case 'settle':
        this.#work.happened(effect);
    }
  }

  #recall(attempt: session.AttemptRef): void {
    this.#disk.readSettled(attempt, (kept) => {
      // The log may be missed too.
      if (kept) this.#logs.again(this.#disk.entryOf(attempt));
      this.#told({ kind: 'recalled', attempt, kept });
    });
  }

  #send(stream: number, message: session.AgentSays): void {
    if (stream !== this.#streamNo || !this.#stream) return;
    const { host } = this;
    if (message.kind !== 'hello') this.#tries = 0;
    if (message.kind === 'heartbeat') this.#beats.set(message.n, this.process.now);
    if (message.kind !== 'heartbeat') {
      this.#note(`says ${message.kind}`, 'attempt' in message ? idOf(message.attempt) : '');
      host.observer.see({ kind: 'said', by: `h${host.index}`, text: JSON.stringify(message) });
    }
    if (message.kind === 'cancelReply') {
      const { attempt, phase } = message;
      host.observer.see({ kind: 'cancelAnswered', attemptId: idOf(attempt), host: host.index, phase });
    }
    const { journalId } = this.#disk;
    const extras = { agentBootId: `agent-${this.#options.boot}`, hostBootId: host.bootId, journalId };
    this.#stream.up.send({ message, extras });
  }

  #answered({ n, leaseMs }: { readonly n: number; readonly leaseMs: number }): void {
    const sent = this.#beats.get(n);
    if (sent !== undefined) this.#leaseEnd = Math.max(this.#leaseEnd, sent + leaseMs);
  }

  #seeStart(kind: 'startAllowed' | 'startAsked', attempt: session.AttemptRef, at: number): void {
    this.host.observer.see({ kind, attemptId: idOf(attempt), at, leaseEnd: this.#leaseEnd });
  }

  #goesLive({ welcome }: session.Link): void {
    this.#liveSince = this.host.timeline.now;
    this.host.observer.see({ kind: 'obeyed', host: this.host.index, epoch: welcome?.epoch ?? 0 });
  }

  #connect(): void {
    let own: Stream<Up, Down> | undefined;
    const number = this.#streamNo + 1;
    const end: End<Down> = {
      process: this.process,
      received: (message) => {
        if (message.kind === 'heartbeatAck' && number === this.#streamNo) this.#answered(message);
        this.#told({ kind: 'received', stream: number, message });
      },
      closed: () => {
        if (this.#stream === own && own) this.#disconnected(0);
      },
    };
    this.#options.connect(end, (stream) => {
      if (!this.process.alive) return;
      this.process.happen(() => {
        if (!stream) return this.#comeBack(0);
        own = stream;
        this.#stream = stream;
        this.#streamNo = number;
        this.#beats.clear();
        this.#note('is connected');
        this.#told({ kind: 'connected', stream: number });
      });
    });
  }

  #disconnected(retryAfterMs: number): void {
    this.#stream = undefined;
    this.#note('is disconnected');
    this.#told({ kind: 'disconnected', stream: this.#streamNo });
    this.#comeBack(retryAfterMs);
  }

  #comeBack(retryAfterMs: number): void {
    const backoffMs = this.#random.fraction() * Math.min(10_000, 200 * 2 ** this.#tries);
    this.#tries += 1;
    this.process.after(retryAfterMs + backoffMs, () => this.#connect());
  }

  #recovered(found: readonly executor.RecoveredAttempt[]): void {
    const attempts = found.map(({ attempt, hash, acceptedMono, standing, pid, startedMono, result }) => {
      const { terms } = this.#disk.commandOf(attempt);
      const endBy = startedMono !== undefined && terms.timeoutMs > 0 ? startedMono + terms.timeoutMs : undefined;
      return { attempt, hash, standing, terms, startBy: acceptedMono + terms.startWithinMs, endBy, pid, result };
    });
    const fence = this.host.fence.value ?? { installId: this.#options.installId, epoch: 0 };
    this.#note('is up');
    this.#session = session.restore({ fence, attempts, tombstones: this.#disk.tombstones() });
    for (const { attempt, standing } of found) {
      if (standing === 'EXITED') this.#logs.ended(this.#disk.entryOf(attempt));
      else if (standing === 'STARTED') this.#logs.follow(this.#disk.entryOf(attempt));
    }
    for (const entry of this.#disk.settled()) this.#logs.ended(entry);
    this.#told({ kind: 'timer', timer: 'deadline' });
    this.#connect();
  }

  #followLog(happening: session.Happening): void {
    if (happening.kind === 'started') this.#logs.follow(this.#disk.entryOf(happening.attempt));
    if (happening.kind === 'exited') this.#logs.ended(this.#disk.entryOf(happening.attempt));
  }

  #alert(message: string): void {
    this.#note('ALERT', message);
    this.host.observer.see({ kind: 'said', by: `h${this.host.index}`, text: message });
  }

  #note(what: string, subject?: string): void {
    this.host.trace.note(`h${this.host.index}`, what, subject);
  }
}
