import { type Api, answerOf } from '../api/client.ts';
import type { CommandRequest, Job, StoredPlan } from '../api/types.ts';
import { CancelledError, UsageError } from '../errors.ts';
import { followToEnd } from '../jobs/run.ts';
import { isEmptyPlan, planText } from '../output/plan.ts';
import type { Terminal } from '../output/terminal.ts';
import { confirm, type RunOptions } from './parts.ts';

export async function makePlan(api: Api, cluster: string, request: CommandRequest): Promise<StoredPlan> {
  return answerOf(api.POST('/api/v1/clusters/{cluster}/plans', { params: { path: { cluster } }, body: request }));
}

/**
 * Plans a command, shows the plan, asks, executes that very plan and follows its job.
 *
 * @throws CancelledError when the answer is no, UsageError when nobody can be asked, and what followToEnd throws.
 */
export async function planAndRun(
  api: Api,
  terminal: Terminal,
  from: { readonly cluster: string; readonly request: CommandRequest; readonly options: RunOptions },
): Promise<void> {
  const { cluster, request, options } = from;
  const plan = await makePlan(api, cluster, request);
  terminal.err(`${planText(plan.plan, { colours: terminal.colours, full: options.full })}\n`);
  if (isEmptyPlan(plan.plan)) {
    terminal.err('Nothing to do.\n');
    return;
  }
  await executePlan(api, terminal, plan, options);
}

/** Executes a plan that has been shown, after asking. */
export async function executePlan(api: Api, terminal: Terminal, plan: StoredPlan, options: RunOptions): Promise<void> {
  await followAsAsked(api, terminal, await executeAgreed(api, terminal, plan, options), options);
}

/** Executes a plan after asking; who says yes to one that may lose something has read what. */
export async function executeAgreed(
  api: Api,
  terminal: Terminal,
  { id, plan: { danger } }: StoredPlan,
  options: RunOptions,
): Promise<Job> {
  await agreed(terminal, options, danger === null ? 'Run this plan?' : 'Run this plan all the same?');
  return answerOf(
    api.POST('/api/v1/plans/{plan}/execute', {
      params: { path: { plan: id } },
      body: {
        ...(options.note === undefined ? {} : { note: options.note }),
        ...(danger === null ? {} : { agree: true }),
      },
    }),
  );
}

/** @throws CancelledError when the answer is no, UsageError when nobody can be asked. */
export async function agreed(terminal: Terminal, { yes }: Pick<RunOptions, 'yes'>, question: string): Promise<void> {
  if (yes) return;
  if (!terminal.interactive)
    throw new UsageError('Nothing was changed: nobody can be asked here. Say --yes to run it.');
  if (!(await confirm(terminal, question))) throw new CancelledError('Nothing was changed.');
}

/** Follows a job in the way the options ask for. */
export async function followAsAsked(api: Api, terminal: Terminal, job: Job, options: RunOptions): Promise<void> {
  if (options.detach) {
    terminal.out(`${job.id}\n`);
    return;
  }
  await followToEnd(api, terminal, job.id, { quiet: options.wait, timeoutMs: options.timeout });
}
