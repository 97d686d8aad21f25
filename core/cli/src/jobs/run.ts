import type { Api } from '../api/client.ts';
import { CancelledError, CliError, JobEndedError } from '../errors.ts';
import { exitCodeOfJob } from '../exitCodes.ts';
import type { Terminal } from '../output/terminal.ts';
import { duration } from '../output/time.ts';
import { followJob, type JobListener } from './follow.ts';
import { lineListener, silentListener } from './lines.ts';
import { liveListener } from './live.ts';
import { reportOutcome } from './outcome.ts';

export interface FollowOptions {
  /** Say nothing until it has ended. */
  readonly quiet?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The way to show a job that suits the terminal. */
export function listenerFor(terminal: Terminal, { quiet }: { readonly quiet?: boolean | undefined } = {}): JobListener {
  if (quiet) return silentListener;
  return terminal.errIsTerminal ? liveListener(terminal) : lineListener(terminal);
}

/**
 * Follows a job to its end and says what became of it. Ctrl-C ends the following, not the job.
 *
 * @throws JobEndedError when it failed or was cancelled, CancelledError, CliError when the time is up.
 */
export async function followToEnd(
  api: Api,
  terminal: Terminal,
  jobId: string,
  options: FollowOptions = {},
): Promise<void> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  const timeout = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
  const signals = [interrupted.signal, options.signal, timeout].filter((signal) => signal !== undefined);
  try {
    const ended = await followJob(api, jobId, listenerFor(terminal, options), AbortSignal.any(signals));
    if (!ended) {
      const goesOn = `The job goes on. Follow it by "stackyard job watch ${jobId}", end it by "stackyard job cancel ${jobId}".`;
      if (timeout?.aborted)
        throw new CliError(`The job has not ended after ${duration(options.timeoutMs ?? 0)}. ${goesOn}`);
      throw new CancelledError(goesOn);
    }
    await reportOutcome(api, terminal, ended.job, ended.tasks);
    const code = exitCodeOfJob(ended.job.state);
    if (code !== 0) throw new JobEndedError('', code);
  } finally {
    process.off('SIGINT', interrupt);
  }
}
