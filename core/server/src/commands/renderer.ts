import { Worker } from 'node:worker_threads';
import type { Inputs, RenderedFile, ServiceManifest } from '@stackyard/sdk/manifest';
import { RenderFailedError } from './errors.ts';

/** Host components of one service to render: what they share is sent to the worker once. */
export interface RenderBatch {
  readonly service: ServiceManifest;
  readonly templates: Readonly<Record<string, string>>;
  readonly items: readonly { readonly hostComponentId: string; readonly component: string; readonly inputs: Inputs }[];
}

/** What the worker answers: files by host component, or why it could not. */
export type RenderAnswer = { readonly id: number; readonly files: readonly (readonly [string, readonly RenderedFile[]])[] } | { readonly id: number; readonly error: string };

export interface RenderLimits {
  /** For a whole batch, in milliseconds. */
  readonly timeMs: number;
  readonly heapMb: number;
  /** The worker ends after this long without work, in milliseconds. */
  readonly idleMs: number;
}

interface Waiting {
  readonly resolve: (files: ReadonlyMap<string, readonly RenderedFile[]>) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Renders previews in a worker thread, because templates come from stack authors: one that never ends or eats memory
 * costs its own request, not the server.
 */
export class Renderer {
  readonly #limits: RenderLimits;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #next = 0;

  constructor(limits: RenderLimits = { timeMs: 10_000, heapMb: 128, idleMs: 30_000 }) {
    this.#limits = limits;
  }

  /** @throws RenderFailedError when a template fails, or when the batch runs out of time or memory. */
  render(batch: RenderBatch): Promise<ReadonlyMap<string, readonly RenderedFile[]>> {
    if (batch.items.length === 0) return Promise.resolve(new Map());
    const id = this.#next++;
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#end(new RenderFailedError({ service: batch.service.name, reason: `it took longer than ${this.#limits.timeMs} ms` }));
      }, this.#limits.timeMs);
      this.#waiting.set(id, { resolve, reject, timer });
      worker.postMessage({ id, batch });
    });
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    // An unreferenced worker does not keep the process alive until it has ended.
    worker?.ref();
    this.#end(new RenderFailedError({ service: 'all services', reason: 'the server is stopping' }));
    await worker?.terminate();
  }

  #start(): Worker {
    const source = import.meta.url.endsWith('.ts') ? './renderWorker.ts' : './renderWorker.js';
    const worker = new Worker(new URL(source, import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMb }, name: 'renderer' });
    worker.unref();
    worker.on('message', (answer: RenderAnswer) => this.#answered(answer));
    worker.on('error', (error) => {
      if (this.#worker === worker) this.#end(new RenderFailedError({ service: 'a service', reason: error.message }));
    });
    return worker;
  }

  #answered(answer: RenderAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    this.#waiting.delete(answer.id);
    clearTimeout(waiting.timer);
    if ('error' in answer) waiting.reject(new RenderFailedError({ service: 'a service', reason: answer.error }));
    else waiting.resolve(new Map(answer.files));
    if (this.#waiting.size === 0) {
      this.#idle = setTimeout(() => void this.stop(), this.#limits.idleMs);
      this.#idle.unref();
    }
  }

  /** Gives the worker up with everything it had: the next request gets a new one. */
  #end(error: Error): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(error);
    }
    this.#waiting.clear();
  }
}
