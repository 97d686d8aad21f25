import { type Api, allOf, headersOf, reach } from '../api/client.ts';
import type { Attempt, Job } from '../api/types.ts';
import type { Terminal } from '../output/terminal.ts';
import { duration } from '../output/time.ts';
import { countsOf, type TaskPicture } from './picture.ts';

const SHOWN_LINES = 20;
const SHOWN_FAILURES = 3;
/** Of a log, for its last lines. */
const TAIL_BYTES = 16_384;

/** What became of a job, in a line; for what failed its message, its last output, and what to do next. */
export async function reportOutcome(
  api: Api,
  terminal: Terminal,
  job: Job,
  tasks: readonly TaskPicture[],
): Promise<void> {
  const { colours } = terminal;
  const took =
    job.startedAt && job.finishedAt ? ` in ${duration(Date.parse(job.finishedAt) - Date.parse(job.startedAt))}` : '';
  if (job.state === 'SUCCESSFUL') {
    terminal.err(`${colours.green('✓')} ${job.title}: done${took}.\n`);
    return;
  }
  const failed = tasks.filter(({ state }) => state === 'FAILED');
  for (const task of failed.slice(0, SHOWN_FAILURES)) terminal.err(await failureText(api, terminal, task));
  if (failed.length > SHOWN_FAILURES) terminal.err(`\n… and ${failed.length - SHOWN_FAILURES} more failed tasks.\n`);
  const counts = countsOf(tasks);
  const what =
    job.state === 'FAILED'
      ? `${counts.FAILED} of ${tasks.length} tasks failed`
      : `cancelled, ${counts.SUCCESSFUL} of ${tasks.length} tasks were done`;
  const others =
    job.state === 'FAILED' && counts.CANCELED > 0 ? `, ${counts.CANCELED} after them were not started` : '';
  terminal.err(`\n${colours.red('✗')} ${job.title}: ${what}${others}${took}.\n`);
  terminal.err(`  See it all        stackyard job logs ${job.id}\n`);
  terminal.err(`  Run what is left  stackyard job retry ${job.id}\n`);
}

async function failureText(api: Api, { colours }: Terminal, task: TaskPicture): Promise<string> {
  const attempt = await lastAttempt(api, task.id);
  const output = attempt ? await lastLines(api, task.id, attempt) : [];
  const message = attempt?.message ?? task.message ?? attempt?.reason ?? 'no reason was given';
  // What the platform says of a failure is in its output too.
  const lines = output.filter((line) => line !== message);
  const head = `\n${colours.red('✗')} ${colours.bold(`${task.component} on ${task.host}: ${task.phase}`)}\n  ${message}\n`;
  if (lines.length === 0) return head;
  return `${head}${lines.map((line) => `  ${colours.dim('│')} ${line}\n`).join('')}  ${colours.dim(`stackyard job logs ${task.id}`)}\n`;
}

export async function lastAttempt(api: Api, taskId: string): Promise<Attempt | undefined> {
  const attempts = await allOf((query) =>
    api.GET('/api/v1/tasks/{task}/attempts', { params: { path: { task: taskId }, query } }),
  );
  return attempts.at(-1);
}

async function lastLines(api: Api, taskId: string, { number, logSize }: Attempt): Promise<string[]> {
  if (logSize === 0) return [];
  const from = Math.max(0, logSize - TAIL_BYTES);
  const url = `${api.connection.url}/api/v1/tasks/${taskId}/log?attempt=${number}&from=${from}`;
  const response = await reach(api.connection, () =>
    fetch(url, { headers: { ...headersOf(api.connection), accept: 'text/plain' } }),
  );
  if (!response.ok) return [];
  const lines = (await response.text()).trimEnd().split('\n');
  // The first line may be cut where the tail begins.
  return (from > 0 ? lines.slice(1) : lines).slice(-SHOWN_LINES);
}
