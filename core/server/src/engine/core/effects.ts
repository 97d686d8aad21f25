import type { State } from '@stackyard/domain';
import type { JobRow } from '../../database/entities.ts';
import type { SeenComponent, ServerSays } from '../sessions/messages.ts';
import type { CloseCode } from '../sessions/state.ts';
import type { Change } from '../writer/changes.ts';
import type { Place } from './job.ts';

/** Everything the engine asks for, to be carried out in this order. */
export type EngineEffect =
  /**
   * Make this durable, then say `committed`; what follows from it waits for that. Commits are made in the order of their
   * numbers. A lazy one may wait for the next that is not.
   */
  | { readonly kind: 'commit'; readonly commit: number; readonly change: Change; readonly lazy: boolean }
  /** Read the rows of this job, then `loaded` or `gone`. */
  | { readonly kind: 'load'; readonly jobId: string }
  /** Build and keep the envelope of this attempt, then `prepared` or `unprepared`; one that is kept already will do. */
  | { readonly kind: 'prepare'; readonly attemptId: string; readonly place: Place }
  /** The envelope is not needed any more, built or not. No answer. */
  | { readonly kind: 'abandon'; readonly attemptId: string }
  /** The job is terminal or waits for its turn: forget what was kept for it. */
  | { readonly kind: 'release'; readonly jobId: string; readonly state: State }
  /** The job is terminal, and that is durable: tell whoever waits for it. */
  | { readonly kind: 'over'; readonly job: JobRow }
  | { readonly kind: 'send'; readonly stream: number; readonly message: ServerSays }
  /** Send the kept envelope, whose hash is this. */
  | { readonly kind: 'dispatch'; readonly stream: number; readonly attemptId: string; readonly hash: string }
  /** Nothing of this stream is heard of again, also no `closed`. */
  | { readonly kind: 'close'; readonly stream: number; readonly code: CloseCode; readonly message: string }
  /** What the host has to watch may have changed: tell its agent. `removed` is a host component that is gone. */
  | { readonly kind: 'watch'; readonly hostId: string; readonly removed?: string | undefined }
  /** What the agent sees of its components. */
  | { readonly kind: 'components'; readonly hostId: string; readonly components: readonly SeenComponent[] }
  /** The agent does not keep to the protocol, or something is not as it should be. */
  | {
      readonly kind: 'alert';
      readonly hostId: string;
      readonly sentence: string;
      readonly attemptId?: string | undefined;
    }
  /** For the log. */
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly sentence:
        | 'Job finished'
        | 'A task could not be prepared'
        | 'A result came after the attempt had ended'
        | 'The database refused a change; what agents and tasks wait for because of it does not come';
      readonly fields: Readonly<Record<string, unknown>>;
    };
