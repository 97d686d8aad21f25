import { status } from '@grpc/grpc-js';

/** A call of an agent that can be ended from here. */
export interface OpenCall {
  emit(event: 'error', error: { readonly code: status; readonly details: string }): boolean;
  on(event: 'cancelled' | 'close' | 'error' | 'finish', listener: () => void): unknown;
}

export type CallKind = 'control' | 'logs' | 'download';

/**
 * How many calls of each kind a host may have open. What is beyond ends the oldest, which the agent may have given up
 * long before the server learns of it; a download beyond is refused, since its agent waits for all of them.
 */
const MOST: Readonly<Record<CallKind, number>> = { control: 2, logs: 1, download: 16 };

const superseded = { code: status.ABORTED, details: 'A newer stream of this host has taken over.' };
const tooMany = { code: status.RESOURCE_EXHAUSTED, details: 'The host has too many calls open. Try again later.' };

/** Every open call of every host, so that a host can be cut off and none can take more than its share. */
export class OpenCalls {
  readonly #hosts = new Map<string, Map<OpenCall, CallKind>>();

  get hosts(): string[] {
    return [...this.#hosts.keys()];
  }

  /** @returns false when the call was refused */
  admit(hostId: string, kind: CallKind, call: OpenCall): boolean {
    const calls = this.#hosts.get(hostId) ?? new Map<OpenCall, CallKind>();
    const same = [...calls].filter(([, each]) => each === kind).map(([each]) => each);
    if (same.length >= MOST[kind]) {
      if (kind === 'download') {
        call.emit('error', tooMany);
        return false;
      }
      const [oldest] = same;
      calls.delete(oldest!);
      oldest?.emit('error', superseded);
    }
    calls.set(call, kind);
    this.#hosts.set(hostId, calls);
    const forget = (): void => this.#forget(hostId, call);
    for (const event of ['cancelled', 'close', 'error', 'finish'] as const) call.on(event, forget);
    return true;
  }

  /** Ends all calls of a host. */
  cut(hostId: string, details: string): void {
    const calls = this.#hosts.get(hostId);
    this.#hosts.delete(hostId);
    for (const call of calls?.keys() ?? []) call.emit('error', { code: status.UNAUTHENTICATED, details });
  }

  #forget(hostId: string, call: OpenCall): void {
    const calls = this.#hosts.get(hostId);
    calls?.delete(call);
    if (calls?.size === 0) this.#hosts.delete(hostId);
  }
}
