import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { AgentFrame__Output, ServerFrame, ServerMessage } from '@stackyard/proto';

export type ControlCall = ServerDuplexStream<AgentFrame__Output, ServerFrame>;

/** Most bytes of envelopes in one frame; a message is never cut. */
const FRAME_BYTES = 1024 * 1024;
const FRAME_MESSAGES = 500;

/** The sending side of one control stream: what is ready in one turn shares a frame, and a slow reader is waited for. */
export class ControlLink {
  readonly hostId: string;
  readonly #call: ControlCall;
  #outbox: ServerMessage[] = [];
  #scheduled = false;
  #full = false;
  #closed = false;

  constructor(hostId: string, call: ControlCall) {
    this.hostId = hostId;
    this.#call = call;
    call.on('drain', () => {
      this.#full = false;
      this.#flush();
    });
  }

  send(message: ServerMessage): void {
    if (this.#closed) return;
    this.#outbox.push(message);
    if (this.#scheduled || this.#full) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Says what is queued, then ends the stream with this status. */
  close(code: number, details: string): void {
    if (this.#closed) return;
    this.#full = false;
    this.#flush();
    this.#closed = true;
    this.#call.emit('error', { code, details });
  }

  /** The other side is gone. */
  drop(): void {
    this.#closed = true;
    this.#outbox = [];
  }

  #flush(): void {
    while (this.#outbox.length > 0 && !this.#full && !this.#closed) {
      this.#full = !this.#call.write({ messages: this.#outbox.splice(0, this.#fitting()) });
    }
  }

  #fitting(): number {
    let bytes = 0;
    const limit = Math.min(this.#outbox.length, FRAME_MESSAGES);
    for (let index = 0; index < limit; index += 1) {
      bytes += this.#outbox[index]?.dispatch?.envelope?.length ?? 64;
      if (bytes > FRAME_BYTES) return Math.max(1, index);
    }
    return limit;
  }
}
