import { randomBytes } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import type { HostJoining, Principal, Records } from '@stackyard/contract';
import type { Logger } from '@stackyard/kernel';
import { bootstrapHost, type HostState } from './bootstrapHost.ts';
import { type Login, type Proof, proofOf, sudoPasswordOf } from './credentials.ts';
import { eachLimited } from './eachLimited.ts';
import { BootstrapBusyError, BootstrapNotFoundError, NothingToRetryError } from './errors.ts';
import { type FailureCode, HostFailure } from './failure.ts';
import { type HostKey, HostKeys } from './hostKeys.ts';
import { verifier } from './probe.ts';
import type { Target } from './targets.ts';
import type { Bootstrap, HostProgress } from './views.ts';

const COLLECTION = 'ssh.bootstraps';
const KEPT = 100;
/** Percents pass by quickly; what is stored may be this old. */
const STORE_EVERY_MS = 1_000;

/** A machine and the host key that was confirmed for it. */
export interface Wanted extends Target {
  readonly fingerprint?: string | undefined;
}

export interface StartOptions {
  readonly hosts: readonly Wanted[];
  readonly login: Login;
  readonly root: string;
  readonly parallel: number;
  readonly retryOf?: string;
}

type Ended = Pick<HostProgress, 'state' | 'failure' | 'message'>;

/** A run while it goes on. */
interface Live {
  view: Bootstrap;
  readonly changes: EventEmitter<{ host: [HostProgress]; ended: [Bootstrap] }>;
  readonly done: Promise<void>;
}

/**
 * Bootstraps, running and past. How one logs in is known to the run that uses it and to nothing else; what is kept are
 * rows without it, so that a restart loses no history and says of what was running that it failed.
 */
export class Runs {
  readonly #joining: HostJoining;
  readonly #records: Records;
  readonly #log: Logger;
  readonly #keys: HostKeys;
  readonly #live = new Map<string, Live>();
  readonly #stop = new AbortController();

  constructor(joining: HostJoining, records: Records, log: Logger) {
    this.#joining = joining;
    this.#records = records;
    this.#log = log;
    this.#keys = new HostKeys(records);
  }

  /** What was running when the server went away has failed; the oldest rows go. */
  async recover(): Promise<void> {
    const rows = await this.#records.list<Bootstrap>(COLLECTION, { limit: 10_000 });
    for (const { key, value } of rows) {
      if (value.state !== 'RUNNING') continue;
      const at = new Date().toISOString();
      const hosts = value.hosts.map((host) => (isOver(host) ? host : { ...host, ...interrupted, at }));
      await this.#records.put(COLLECTION, key, { ...value, hosts, state: stateOf(hosts), finishedAt: at });
    }
    for (const { key } of rows.slice(KEPT)) await this.#records.delete(COLLECTION, key);
  }

  /** Ends what runs, saying so in its rows. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#live.values()].map(({ done }) => done));
  }

  /** @throws KeyUnusableError, NoSshAgentError, BootstrapBusyError */
  async start(options: StartOptions, principal: Principal): Promise<Bootstrap> {
    const proof = proofOf(options.login);
    const busy = new Set(
      [...this.#live.values()]
        .flatMap(({ view }) => view.hosts.filter((host) => !isOver(host)))
        .map(({ name }) => name),
    );
    const twice = options.hosts.filter(({ name }) => busy.has(name)).map(({ name }) => name);
    if (twice.length > 0) throw new BootstrapBusyError({ hosts: twice });
    const { login, root, parallel, retryOf, hosts } = options;
    const at = new Date().toISOString();
    const view: Bootstrap = {
      id: timeOrderedId(),
      state: 'RUNNING',
      user: login.user,
      method: login.method.kind,
      sudo: login.sudo ?? false,
      root,
      parallel,
      retryOf: retryOf ?? null,
      createdBy: principal.name,
      createdAt: at,
      finishedAt: null,
      hosts: hosts.map(({ name, address, port }) => ({ name, address, port, ...waiting, at })),
    };
    const begun = Promise.withResolvers<void>();
    const live: Live = {
      view,
      changes: new EventEmitter(),
      done: begun.promise.then(() => this.#run(live, options, proof)),
    };
    live.changes.setMaxListeners(0);
    this.#live.set(view.id, live);
    try {
      await this.#records.put(COLLECTION, view.id, view);
    } catch (error) {
      this.#live.delete(view.id);
      throw error;
    }
    begun.resolve();
    return view;
  }

  /** Tries those again that failed, with credentials given anew. @throws NothingToRetryError */
  async retry(
    id: string,
    options: {
      readonly login: Login;
      readonly parallel?: number | undefined;
      readonly fingerprints: ReadonlyMap<string, string>;
    },
    principal: Principal,
  ): Promise<Bootstrap> {
    const { hosts, root, parallel, state } = await this.get(id);
    const failed = hosts.filter((host) => host.state === 'FAILED');
    if (state === 'RUNNING' || failed.length === 0) throw new NothingToRetryError({ id });
    const wanted = failed.map(({ name, address, port }) => ({
      name,
      address,
      port,
      fingerprint: options.fingerprints.get(name),
    }));
    return this.start(
      { hosts: wanted, login: options.login, root, parallel: options.parallel ?? parallel, retryOf: id },
      principal,
    );
  }

  /** @throws BootstrapNotFoundError */
  async get(id: string): Promise<Bootstrap> {
    const view = this.#live.get(id)?.view ?? (await this.#records.get<Bootstrap>(COLLECTION, id));
    if (!view) throw new BootstrapNotFoundError({ id });
    return view;
  }

  /** Newest first. */
  async list(limit: number, before?: string): Promise<readonly Bootstrap[]> {
    const rows = await this.#records.list<Bootstrap>(COLLECTION, { limit, before });
    return rows.map(({ key, value }) => this.#live.get(key)?.view ?? value);
  }

  /** The present state of every host, then each change, then the end. @throws BootstrapNotFoundError */
  async *follow(
    id: string,
    signal: AbortSignal,
  ): AsyncGenerator<{ event: 'host' | 'ended'; data: HostProgress | Bootstrap }> {
    const live = this.#live.get(id);
    // Listened to from before the first look, so that nothing falls in between.
    const changes = live && on(live.changes, 'host', { signal, close: ['ended'] });
    const { hosts } = live?.view ?? (await this.get(id));
    for (const host of hosts) yield { event: 'host', data: host };
    try {
      for await (const [host] of changes ?? []) yield { event: 'host', data: host as HostProgress };
    } catch (error) {
      if (!signal.aborted) throw error;
      return;
    }
    await live?.done;
    yield { event: 'ended', data: await this.get(id) };
  }

  async #run(live: Live, { hosts, login, root, parallel }: StartOptions, proof: Proof): Promise<void> {
    const { id, createdBy } = live.view;
    const storing = setInterval(() => void this.#store(live), STORE_EVERY_MS);
    const sudoPassword = sudoPasswordOf(login);
    const signal = this.#stop.signal;
    try {
      await eachLimited(hosts, parallel, async (target) => {
        const progress = (state: HostState, details: { percent?: number; message?: string } = {}): void =>
          change(live, target.name, {
            state,
            percent: details.percent ?? null,
            failure: null,
            message: details.message ?? null,
          });
        const ended = await this.#bring({
          target,
          root,
          user: login.user,
          proof,
          sudo: login.sudo ?? false,
          sudoPassword,
          issuedBy: createdBy,
          progress,
          signal,
        });
        this.#log.info(
          { bootstrap: id, host: target.name, state: ended.state, failure: ended.failure },
          'A bootstrap ended',
        );
        change(live, target.name, { ...ended, percent: null });
      });
    } finally {
      clearInterval(storing);
      live.view = { ...live.view, state: stateOf(live.view.hosts), finishedAt: new Date().toISOString() };
      await this.#store(live);
      this.#live.delete(id);
      live.changes.emit('ended', live.view);
    }
  }

  async #bring(
    host: Omit<Parameters<typeof bootstrapHost>[1], 'verify'> & { readonly target: Wanted },
  ): Promise<Ended> {
    const { target, signal, issuedBy } = host;
    try {
      signal.throwIfAborted();
      const known = (await this.#keys.find(target))?.fingerprint;
      const verify = verifier(target, { known, confirmed: target.fingerprint });
      let shown: HostKey | undefined;
      const passed = (key: HostKey): void => {
        verify(key);
        shown = key;
      };
      try {
        const { name, address, port } = target;
        return {
          state: 'JOINED',
          failure: null,
          message: await bootstrapHost(this.#joining, { ...host, target: { name, address, port }, verify: passed }),
        };
      } finally {
        if (shown && known === undefined) await this.#keys.remember(target, shown, issuedBy);
      }
    } catch (error) {
      if (signal.aborted) return interrupted;
      if (error instanceof HostFailure) return { state: 'FAILED', failure: error.code, message: error.message };
      this.#log.error({ err: error, host: target.name }, 'A host could not be brought in');
      return {
        state: 'FAILED',
        failure: 'INTERNAL',
        message: 'The server made a mistake; its log says which. Retry it.',
      };
    }
  }

  async #store({ view }: Live): Promise<void> {
    try {
      await this.#records.put(COLLECTION, view.id, view);
    } catch (error) {
      this.#log.error({ err: error, bootstrap: view.id }, 'The state of a bootstrap was not stored');
    }
  }
}

const waiting = { state: 'WAITING', percent: null, failure: null, message: null } as const;

const interrupted = {
  state: 'FAILED',
  failure: 'SERVER_RESTARTED' satisfies FailureCode,
  message: 'The server was stopped while this host was being brought in. Retry it: what is there is repaired.',
} as const;

function isOver({ state }: HostProgress): boolean {
  return state === 'JOINED' || state === 'FAILED';
}

function stateOf(hosts: readonly HostProgress[]): Bootstrap['state'] {
  return hosts.every(({ state }) => state === 'JOINED') ? 'SUCCESSFUL' : 'FAILED';
}

function change(live: Live, name: string, changed: Ended & { readonly percent: number | null }): void {
  const at = new Date().toISOString();
  const hosts = live.view.hosts.map((host) => (host.name === name ? { ...host, ...changed, at } : host));
  live.view = { ...live.view, hosts };
  live.changes.emit(
    'host',
    hosts.find((host) => host.name === name)!,
  );
}

/** A UUID (version 7) that grows with time, so that lists come in order. */
function timeOrderedId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
