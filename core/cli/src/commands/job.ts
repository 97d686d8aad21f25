import { allOf, type Api, answerOf } from '../api/client.ts';
import type { Job } from '../api/types.ts';
import { NotFoundError } from '../errors.ts';
import { readTasks } from '../jobs/follow.ts';
import { taskPicture } from '../jobs/picture.ts';
import { stateOf, taskLine } from '../jobs/words.ts';
import { printList, printOne, type View } from '../output/print.ts';
import { facts } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { ago, elapsed } from '../output/time.ts';
import { followAsAsked } from './execute.ts';
import {
  type ClusterOptions,
  connect,
  durationOption,
  type Noun,
  onServer,
  type OutputOptions,
  type RunOptions,
  withCluster,
  withOutput,
} from './parts.ts';

const PAUSED = 'after its first batch; "stackyard job resume" goes on, "stackyard job cancel" ends it';
const JOB_HELP = 'id of the job, its first digits, or nothing for the newest';

type JobPath = { readonly path: { readonly job: string } };

/** What makes a job go on, which is then followed. */
const GOING_ON = [
  {
    verb: 'resume',
    summary: 'go on after the first batch of a job that waits there',
    ask: (api: Api, params: JobPath) => api.POST('/api/v1/jobs/{job}/resume', { params }),
  },
  {
    verb: 'retry',
    summary: 'run again what failed or was cancelled, and nothing else',
    ask: (api: Api, params: JobPath) => api.POST('/api/v1/jobs/{job}/retry', { params }),
  },
];

export const jobs: Noun = (noun, terminal) => {
  withCluster(withOutput(noun.command('list')))
    .summary('list jobs, newest first')
    .option('-s, --state <states>', 'only jobs in these states, comma-separated')
    .option('-n, --limit <count>', 'how many', Number, 20)
    .action(async (options: OutputOptions & ClusterOptions & { state?: string; limit: number }) => {
      const { api } = await connect(terminal, options);
      const found = await listJobs(api, {
        cluster: options.cluster,
        state: options.state?.toUpperCase(),
        atMost: options.limit,
      });
      await printList(terminal, found, jobView(), options.output);
    });

  withOutput(noun.command('get'))
    .summary('show a job and its tasks')
    .argument('[job]', JOB_HELP)
    .action(async (given: string | undefined, options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      const job = await findJob(api, given);
      const tasks = options.output === 'name' ? [] : await readTasks(api, job.id);
      const human = (): string =>
        `${jobText(job, terminal)}\n${tasks.map((task) => `${taskLine(taskPicture(task), terminal.colours)}\n`).join('')}`;
      await printOne(terminal, { ...job, taskList: tasks }, { human, name: ({ id }) => id }, options.output);
    });

  onServer(noun.command('watch'))
    .summary('follow a job live until it ends')
    .argument('[job]', JOB_HELP)
    .option('--wait', 'say nothing until it has ended')
    .option('--timeout <duration>', 'stop following after this long, such as 90s or 10m', durationOption)
    .action(async (given: string | undefined, options: RunOptions) => {
      const { api } = await connect(terminal, options);
      await followAsAsked(api, terminal, await findJob(api, given), options);
    });

  onServer(noun.command('logs'))
    .summary('print the output of a job, or of one task')
    .argument('[job-or-task]', `id of a task, or ${JOB_HELP}`)
    .option('-f, --follow', 'print what comes until it has ended')
    .option('--attempt <number>', 'of a task; the latest unless given', Number)
    .option('--failed', 'only tasks that failed')
    .action(
      async (
        given: string | undefined,
        options: RunOptions & { follow?: boolean; attempt?: number; failed?: boolean },
      ) => {
        const { api } = await connect(terminal, options);
        const { printLogs } = await import('../jobs/logs.ts');
        await printLogs(api, terminal, { given, findJob: () => findJob(api, given), ...options });
      },
    );

  onServer(noun.command('cancel'))
    .summary('cancel a job: waiting tasks do not start, running ones are ended')
    .argument('[job]', JOB_HELP)
    .option('--detach', 'do not wait for its end')
    .action(async (given: string | undefined, options: RunOptions) => {
      const { api } = await connect(terminal, options);
      const { id } = await findJob(api, given);
      const job = await answerOf(api.POST('/api/v1/jobs/{job}/cancel', { params: { path: { job: id } } }));
      if (job.finishedAt) {
        terminal.err(`There is nothing to cancel: ${job.title} is ${job.state} already.\n`);
      } else {
        terminal.err(`Cancelling ${job.title}.\n`);
        if (!options.detach) {
          const { state } = await untilEnded(api, job.id);
          terminal.err(`${job.title} is ${state}.\n`);
        }
      }
      terminal.out(`${job.id}\n`);
    });

  for (const { verb, summary, ask } of GOING_ON) {
    onServer(noun.command(verb))
      .summary(summary)
      .argument('[job]', JOB_HELP)
      .option('--detach', 'print the id of the job and do not follow it')
      .option('--wait', 'say nothing until the job has ended')
      .option('--timeout <duration>', 'stop following after this long, such as 90s or 10m', durationOption)
      .action(async (given: string | undefined, options: RunOptions) => {
        const { api } = await connect(terminal, options);
        const { id } = await findJob(api, given);
        await followAsAsked(api, terminal, await answerOf(ask(api, { path: { job: id } })), options);
      });
  }
};

export async function listJobs(
  api: Api,
  {
    cluster,
    state,
    atMost,
  }: { readonly cluster?: string | undefined; readonly state?: string | undefined; readonly atMost: number },
): Promise<Job[]> {
  const filters = { ...(cluster === undefined ? {} : { cluster }), ...(state === undefined ? {} : { state }) };
  return allOf((query) => api.GET('/api/v1/jobs', { params: { query: { ...query, ...filters } } }), { atMost });
}

/** @throws NotFoundError */
export async function findJob(api: Api, given: string | undefined): Promise<Job> {
  if (given !== undefined && given.length === 36) {
    return answerOf(api.GET('/api/v1/jobs/{job}', { params: { path: { job: given }, query: {} } }));
  }
  const recent = await listJobs(api, { atMost: given === undefined ? 1 : 500 });
  const found = recent.filter(({ id }) => given === undefined || id.startsWith(given));
  const [job, second] = found;
  if (!job)
    throw new NotFoundError(
      given === undefined
        ? 'There is no job yet.'
        : `No recent job begins with ${given}. List them by "stackyard job list".`,
    );
  if (second && given !== undefined) throw new NotFoundError(`Several jobs begin with ${given}: give more of the id.`);
  return job;
}

async function untilEnded(api: Api, id: string): Promise<Job> {
  for (;;) {
    const job = await answerOf(
      api.GET('/api/v1/jobs/{job}', { params: { path: { job: id }, query: { wait: '30s' } } }),
    );
    if (job.finishedAt) return job;
  }
}

function jobView(now = new Date()): View<Job> {
  return {
    columns: (colours) => [
      { title: 'JOB', cell: ({ id }) => id.slice(0, 8) },
      { title: 'TITLE', cell: ({ title }) => title },
      {
        title: 'STATE',
        cell: ({ state, cancelRequested, paused }) =>
          stateOf(state, colours) +
          (cancelRequested && state === 'RUNNING' ? ' (cancelling)' : paused ? colours.yellow(' (paused)') : ''),
      },
      { title: 'TASKS', cell: ({ counts, tasks }) => `${counts.SUCCESSFUL}/${tasks}` },
      { title: 'CREATED', cell: ({ createdAt }) => ago(createdAt, now) },
      { title: 'TOOK', cell: ({ startedAt, finishedAt }) => elapsed(startedAt, finishedAt, now) },
    ],
    name: ({ id }) => id,
    none: 'There is no job yet.',
  };
}

function jobText(job: Job, { colours }: Terminal, now = new Date()): string {
  const { counts } = job;
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  return facts(
    [
      ['Job', job.id],
      ['Title', job.title],
      ['State', stateOf(job.state, colours) + (job.reason ? ` (${job.reason})` : '')],
      ...(job.paused ? ([['Paused', PAUSED]] as const) : []),
      ['Tasks', parts.join(', ') || '0'],
      ['Created', `${ago(job.createdAt, now)} by ${job.createdBy}`],
      ['Took', elapsed(job.startedAt, job.finishedAt, now)],
    ],
    colours.dim,
  );
}
