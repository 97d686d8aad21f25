import { Worker } from 'node:worker_threads';
import type { Inputs, RenderedFile, ServiceManifest } from '@stackyard/sdk/manifest';
import { RenderFailedError } from './errors.ts';

/** Host components of one service to render: what they share is sent to the worker once. */
export interface RenderBatch {
  readonly service: ServiceManifest;
  readonly templates: Readonly<Record<string, string>>;
  readonly items: readonly { readonly hostComponentId: string; readonly component: string; readonly inputs: Inputs }[];
}

/** What the worker says: that it has loaded, then for each batch the files by host component, or why it could not. */
export type RenderAnswer =
  | 'loaded'
  | { readonly id: number; readonly files: readonly (readonly [string, readonly RenderedFile[]])[] }
  | { readonly id: number; readonly error: string };

export interface RenderLimits {
  /** For a whole batch, in milliseconds, from when the worker has loaded: the end also of what takes no processor time. */
  readonly timeMs: number;
  /** Processor time of a batch, in milliseconds: so much for whatever, and so much for each host component. */
  readonly cpuMs: { readonly floor: number; readonly each: number };
  /** What the files of one host component may have together. */
  readonly outputBytes: number;
  readonly heapMb: number;
  /** The worker ends after this long without work, in milliseconds. */
  readonly idleMs: number;
}

interface Waiting {
  readonly batch: RenderBatch;
  readonly resolve: (files: ReadonlyMap<string, readonly RenderedFile[]>) => void;
  readonly reject: (error: Error) => void;
}

export const RENDER_LIMITS: RenderLimits = {
  timeMs: 30_000,
  cpuMs: { floor: 2_000, each: 200 },
  outputBytes: 1_048_576,
  heapMb: 128,
  idleMs: 30_000,
};

/** How often the processor time of a batch is looked at, in milliseconds. */
const LOOK_MS = 50;
/** Of the worker; what its process has is for thousands of tasks. */
const YOUNG_MB = 12;

/** A worker that has not loaded by then, in milliseconds, never will. */
const LOAD_MS = 60_000;

/**
 * Renders previews in a worker thread, because templates come from stack authors: one that never ends or eats memory
 * costs its own request, not the server and not the requests that wait behind it. One batch at a time.
 */
export class Renderer {
  readonly #limits: RenderLimits;
  readonly #queue: Waiting[] = [];
  #current: (Waiting & { readonly id: number; timer: NodeJS.Timeout }) | undefined;
  #worker: Worker | undefined;
  #loaded = false;
  #looking: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #nextId = 0;

  constructor(limits: RenderLimits = RENDER_LIMITS) {
    this.#limits = limits;
  }

  /** @throws RenderFailedError when a template fails, or when the batch runs out of time or memory. */
  render(batch: RenderBatch): Promise<ReadonlyMap<string, readonly RenderedFile[]>> {
    if (batch.items.length === 0) return Promise.resolve(new Map());
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, resolve, reject });
      this.#advance();
    });
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    for (const { batch, reject } of this.#queue.splice(0))
      reject(new RenderFailedError({ service: batch.service.name, reason: 'the server is stopping' }));
    const worker = this.#worker;
    // An unreferenced worker does not keep the process alive until it has ended.
    worker?.ref();
    this.#giveUp('the server is stopping');
    await worker?.terminate();
  }

  #advance(): void {
    if (this.#current) return;
    const next = this.#queue.shift();
    if (!next) {
      this.#idle = setTimeout(() => void this.stop(), this.#limits.idleMs);
      this.#idle.unref();
      return;
    }
    clearTimeout(this.#idle);
    const id = this.#nextId++;
    this.#worker ??= this.#start();
    this.#current = { ...next, id, timer: this.#limit() };
    this.#worker.postMessage({ id, batch: next.batch, outputBytes: this.#limits.outputBytes });
    if (this.#loaded) void this.#watchCpu(id);
  }

  /** How long a busy machine takes to load the worker is no fault of a template. */
  #limit(): NodeJS.Timeout {
    const { timeMs } = this.#limits;
    return this.#loaded
      ? setTimeout(() => this.#giveUp(`it took longer than ${timeMs} ms`), timeMs)
      : setTimeout(() => this.#giveUp(`what renders them did not start within ${LOAD_MS / 1000} s`), LOAD_MS);
  }

  /** Processor time, for a busy machine takes long for what is no fault of a template either. */
  async #watchCpu(id: number): Promise<void> {
    const worker = this.#worker;
    const before = await worker?.cpuUsage().catch(() => undefined);
    if (!worker || !before || this.#current?.id !== id) return;
    const { floor, each } = this.#limits.cpuMs;
    const most = floor + each * this.#current.batch.items.length;
    const look = async (): Promise<void> => {
      const used = await worker.cpuUsage(before).catch(() => undefined);
      if (!used || this.#current?.id !== id) return;
      const usedMs = (used.user + used.system) / 1000;
      if (usedMs > most) return this.#giveUp(`it took more than ${most} ms of processor time`);
      this.#looking = setTimeout(() => void look(), LOOK_MS);
      this.#looking.unref();
    };
    await look();
  }

  #start(): Worker {
    const source = import.meta.url.endsWith('.ts') ? './renderWorker.ts' : './renderWorker.js';
    const worker = new Worker(new URL(source, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMb, maxYoungGenerationSizeMb: YOUNG_MB },
      name: 'renderer',
    });
    worker.unref();
    this.#loaded = false;
    worker.on('message', (answer: RenderAnswer) => {
      if (this.#worker === worker) this.#answered(answer);
    });
    worker.on('error', ({ message }) => {
      if (this.#worker === worker) this.#giveUp(message);
    });
    return worker;
  }

  #answered(answer: RenderAnswer): void {
    const current = this.#current;
    if (answer === 'loaded') {
      this.#loaded = true;
      if (!current) return;
      clearTimeout(current.timer);
      current.timer = this.#limit();
      void this.#watchCpu(current.id);
      return;
    }
    if (current?.id !== answer.id) return;
    clearTimeout(current.timer);
    clearTimeout(this.#looking);
    this.#current = undefined;
    if ('error' in answer)
      current.reject(new RenderFailedError({ service: current.batch.service.name, reason: answer.error }));
    else current.resolve(new Map(answer.files));
    this.#advance();
  }

  /** Gives the worker up with the batch it had; the next batch gets a new one. */
  #giveUp(reason: string): void {
    const worker = this.#worker;
    const current = this.#current;
    this.#worker = undefined;
    this.#current = undefined;
    clearTimeout(this.#looking);
    void worker?.terminate();
    if (!current) return;
    clearTimeout(current.timer);
    current.reject(new RenderFailedError({ service: current.batch.service.name, reason }));
    this.#advance();
  }
}
