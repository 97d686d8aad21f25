import type { StreamMessage } from '@stackyard/contract';
import type { Logger } from '@stackyard/kernel';
import type { FastifyReply } from 'fastify';

export interface Streaming {
  readonly messages: AsyncIterable<StreamMessage>;
  /** The client has gone. */
  readonly gone: AbortSignal;
  /** Throws when whoever reads may do so no longer: a stream outlives what it was opened with. */
  readonly recheck: () => Promise<void>;
  readonly recheckMs: number;
  readonly log: Logger;
}

/** Sends messages until they end, the client goes, or it may read no longer. Clients resume what breaks off. */
export async function sendMessages(reply: FastifyReply, status: number, streaming: Streaming): Promise<void> {
  const { messages, gone, recheck, recheckMs, log } = streaming;
  const left = new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve(), { once: true }));
  const breakOff = (error: unknown) => {
    if (!gone.aborted) log.warn({ err: error, requestId: reply.request.id }, 'A stream was broken off');
    reply.raw.destroy();
  };
  reply.sse.sendHeaders(status);
  // Else they would wait for the first message, and the client with them.
  reply.raw.flushHeaders();
  const checking = setInterval(() => {
    recheck().catch(breakOff);
  }, recheckMs).unref();
  try {
    for await (const message of messages) {
      // A client that goes while its buffer is full never drains it.
      await Promise.race([reply.sse.send(message as never), left]);
      if (gone.aborted) break;
    }
  } catch (error) {
    // The headers are out, so there is no problem to answer with any more.
    breakOff(error);
  } finally {
    clearInterval(checking);
  }
}
