import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { LogAck, LogChunk__Output, LogFrame__Output } from '@stackyard/proto';
import type { Logger } from '@stackyard/kernel';
import type { Pool } from 'pg';
import { isAttemptId } from '../attemptIds.ts';
import type { LogStore } from '../ports.ts';
import { attemptIdOf, refOf } from '../sessions/wire.ts';

export type LogsCall = ServerDuplexStream<LogFrame__Output, LogAck>;

/** Taken from a stream and not yet written, over all its attempts, before it is read no further. */
const WINDOW_BYTES = 8 * 1024 * 1024;
/** What a chunk takes besides its bytes: many empty ones must not pile up either. */
const CHUNK_COST = 1024;
/** Attempts of a stream whose owner is remembered. */
const OWNED = 1000;

/** Stores what an agent sends of its own attempts' output and says how far it is written, or at its end durable. */
export function receiveLogs(
  call: LogsCall,
  {
    hostId,
    logs,
    sql,
    log,
  }: { readonly hostId: string; readonly logs: LogStore; readonly sql: Pool; readonly log: Logger },
): void {
  const owned = new Map<string, Promise<boolean>>();
  let unwritten = 0;
  let open = true;
  const close = (): void => {
    open = false;
  };
  call.on('data', ({ chunks }: LogFrame__Output) => {
    for (const chunk of chunks) {
      const cost = chunk.data.length + CHUNK_COST;
      unwritten += cost;
      void (open ? take(chunk) : Promise.resolve()).catch(breakOff).finally(() => {
        unwritten -= cost;
        if (unwritten < WINDOW_BYTES && call.isPaused()) call.resume();
      });
    }
    if (unwritten >= WINDOW_BYTES) call.pause();
  });
  call.on('end', () => {
    close();
    call.end();
  });
  /** Without an acknowledgement the agent would wait for ever: it comes back and sends it again. */
  const breakOff = (error: unknown): void => {
    if (!open) return;
    close();
    log.error({ err: error, hostId }, 'Output of an attempt could not be stored');
    call.emit('error', {
      code: status.UNAVAILABLE,
      details: 'The output could not be stored on the server. Try again.',
    });
  };
  call.on('cancelled', close);
  call.on('error', close);

  async function take({ attempt, offset, data, last }: LogChunk__Output): Promise<void> {
    const id = attemptIdOf(attempt);
    if (!isAttemptId(id)) return;
    let mine = owned.get(id);
    if (!mine) {
      // An agent may name attempts without end.
      if (owned.size >= OWNED) owned.clear();
      mine = isOwn(id);
      owned.set(id, mine);
    }
    // Output of what is not on record here, as after a restore, is not kept: the agent need not keep it either.
    const durableOffset = (await mine) ? await logs.append(id, offset, data, last) : offset + data.length;
    if (open) call.write({ attempt: refOf(id), durableOffset });
  }

  async function isOwn(id: string): Promise<boolean> {
    const { rowCount } = await sql.query({
      name: 'attempt-owner',
      text: 'select 1 from attempt where id = $1 and host_id = $2',
      values: [id, hostId],
    });
    return rowCount === 1;
  }
}
