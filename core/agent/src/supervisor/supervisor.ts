import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ComponentStatus, WatchedComponent__Output } from '@stackyard/proto';
import type { Logger } from 'pino';
import { type ArtifactStore, readManifest } from '../artifacts/store.ts';
import { ensureKeeper } from '../processes/keeper.ts';
import { type ComponentWatcher, watchComponents } from '../processes/watch.ts';
import { writeDurably } from '../spool/durable.ts';
import { readSpec } from '../processes/state.ts';
import { rotateOutput } from './output.ts';
import { Watched } from './watched.ts';

export interface SupervisorOptions {
  /** Where keepers write. */
  readonly componentsDir: string;
  /** Keeps the watch list, so that a start without the server watches the same. */
  readonly file: string;
  readonly root: string;
  readonly artifacts: ArtifactStore;
  readonly log: Logger;
  /** Statuses that changed, those of one turn together. */
  changed(statuses: readonly ComponentStatus[]): void;
}

const ROTATE_MS = 15_000;
const STEADY_MS = 5_000;
const SETTLING_MS = 400;
/** How long a component that shall run may be without a keeper before it is given one: a start task may be about to. */
const KEEPERLESS_MS = 10_000;

/** Watches the components of this host, the same before and after a restart of the agent, with a server or without. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #keeperless = new Map<string, number>();
  readonly #abort = new AbortController();
  readonly #news = new Set<string>();
  #watcher: ComponentWatcher | undefined;
  #rotating: NodeJS.Timeout | undefined;
  #isRotating = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { file, componentsDir, log } = this.#options;
    if (existsSync(file)) {
      try {
        this.#replace(JSON.parse(await readFile(file, 'utf8')) as WatchedComponent__Output[]);
      } catch (error) {
        log.error({ err: error, file }, 'The watch list cannot be read; the server will send it again');
      }
    }
    mkdirSync(componentsDir, { recursive: true, mode: 0o755 });
    // Nobody else starts anything yet: what shall run and has no keeper lost it in a reboot or a crash.
    await Promise.all([...this.#watched.values()].map((each) => this.#giveKeeper(each)));
    this.#watcher = watchComponents(componentsDir, (name) => this.#lookAt(name));
    this.#rotating = setInterval(() => void this.#rotateOutputs(), ROTATE_MS).unref();
  }

  /** The server says what there is to watch. */
  watch(components: readonly WatchedComponent__Output[]): void {
    this.#replace(components);
    void writeDurably(this.#options.file, JSON.stringify(components)).catch((error: unknown) =>
      this.#options.log.error({ err: error }, 'The watch list could not be kept'),
    );
  }

  /** The artifacts the watched components are defined by. */
  artifactDigests(): string[] {
    return [...this.#watched.values()].map(({ given }) => given.artifactDigest);
  }

  statuses(): ComponentStatus[] {
    return [...this.#watched.values()].filter(({ hasProcess }) => hasProcess).map(({ status }) => status);
  }

  /** The components whose process lives, as a person would look for them. */
  running(): { readonly component: string; readonly pid: number }[] {
    return [...this.#watched.values()].flatMap(({ given, state }) =>
      state.alive && state.process
        ? [{ component: `${given.service}/${given.component}`, pid: state.process.pid }]
        : [],
    );
  }

  /** A task ended: its effect shall be seen at once. */
  lookSoon(): void {
    for (const { name } of this.#watched.values()) this.#lookAt(name);
  }

  stop(): void {
    this.#abort.abort();
    this.#watcher?.close();
    clearInterval(this.#rotating);
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #replace(components: readonly WatchedComponent__Output[]): void {
    const before = new Map(this.#watched);
    this.#watched.clear();
    for (const given of components) {
      const known = before.get(given.self?.hostComponentId ?? '');
      const same = known && JSON.stringify(known.given) === JSON.stringify(given);
      const watched = same ? known : new Watched(given, this.#options.root, known);
      this.#watched.set(watched.id, watched);
      if (!same) void this.#define(watched);
    }
    for (const id of before.keys()) if (!this.#watched.has(id)) this.#forget(id);
  }

  #forget(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#keeperless.delete(id);
  }

  /** Gets the definition, which tells how to ask the component; the server may have to be waited for. */
  async #define(watched: Watched): Promise<void> {
    const { artifacts, log } = this.#options;
    try {
      const { artifact } = await artifacts.ensure(watched.given.artifactDigest, this.#abort.signal);
      watched.define(await readManifest(artifact));
      if (watched.hasProcess) this.#tellSoon(watched);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      log.warn({ hostComponentId: watched.id, err: error }, 'The definition of a component is not here yet');
    }
    this.#lookAt(watched.name);
  }

  #lookAt(name: string): void {
    const watched = this.#watched.get(name);
    if (!watched || this.#abort.signal.aborted) return;
    if (watched.look()) this.#tellSoon(watched);
    this.#schedule(watched, 0);
  }

  #schedule(watched: Watched, afterMs: number): void {
    clearTimeout(this.#timers.get(watched.id));
    this.#timers.set(watched.id, setTimeout(() => void this.#round(watched), afterMs).unref());
  }

  async #round(watched: Watched): Promise<void> {
    if (this.#watched.get(watched.id) !== watched) return;
    try {
      if (!watched.definition && !this.#abort.signal.aborted) await this.#defineAgain(watched);
      const changed = watched.look();
      if ((await watched.probe()) || changed) this.#tellSoon(watched);
      await this.#watchKeeper(watched);
    } catch (error) {
      this.#options.log.error({ hostComponentId: watched.id, err: error }, 'A component could not be looked at');
    }
    if (this.#watched.get(watched.id) !== watched || this.#abort.signal.aborted) return;
    this.#schedule(watched, watched.isSettling ? SETTLING_MS : STEADY_MS);
  }

  async #defineAgain(watched: Watched): Promise<void> {
    const { artifact } = await this.#options.artifacts
      .ensure(watched.given.artifactDigest, this.#abort.signal)
      .catch(() => ({ artifact: undefined }));
    if (artifact) watched.define(await readManifest(artifact));
  }

  /** A keeper may have been killed: then nobody would start the process again. */
  async #watchKeeper(watched: Watched): Promise<void> {
    const { desired, keeperAlive } = watched.state;
    if (desired === 'stopped' || keeperAlive) return void this.#keeperless.delete(watched.id);
    const since = this.#keeperless.get(watched.id) ?? performance.now();
    this.#keeperless.set(watched.id, since);
    if (performance.now() - since > KEEPERLESS_MS) await this.#giveKeeper(watched);
  }

  async #rotateOutputs(): Promise<void> {
    const { log } = this.#options;
    if (this.#isRotating) return;
    this.#isRotating = true;
    for (const { id, dir } of this.#watched.values()) {
      const file = readSpec(dir)?.spec.logFile;
      const how = file ? await rotateOutput(file).catch((error: unknown) => error) : 'nothing';
      if (how === 'truncated')
        log.warn({ hostComponentId: id, file }, 'Output was rotated by truncation; some lines may be lost');
      else if (how instanceof Error) log.error({ hostComponentId: id, file, err: how }, 'Output could not be rotated');
    }
    this.#isRotating = false;
  }

  async #giveKeeper({ id, dir }: Watched): Promise<void> {
    const { log } = this.#options;
    if (!existsSync(dir)) return;
    try {
      if (await ensureKeeper(dir)) log.info({ hostComponentId: id }, 'A component got a keeper again');
    } catch (error) {
      log.error({ hostComponentId: id, err: error }, 'A component that shall run has no keeper');
    }
  }

  #tellSoon(watched: Watched): void {
    if (!watched.hasProcess) return;
    if (this.#news.size === 0) setImmediate(() => this.#tell());
    this.#news.add(watched.id);
  }

  #tell(): void {
    const statuses = [...this.#news].flatMap((id) => this.#watched.get(id)?.status ?? []);
    this.#news.clear();
    if (statuses.length > 0 && !this.#abort.signal.aborted) this.#options.changed(statuses);
  }
}
