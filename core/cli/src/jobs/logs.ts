import { type Api, headersOf, reach, refusal } from '../api/client.ts';
import { streamOf } from '../api/events.ts';
import type { Job, Task } from '../api/types.ts';
import { UsageError } from '../errors.ts';
import type { Terminal } from '../output/terminal.ts';
import { readTasks } from './follow.ts';

export interface LogsRequest {
  readonly given: string | undefined;
  readonly findJob: () => Promise<Job>;
  readonly follow?: boolean;
  readonly attempt?: number;
  readonly failed?: boolean;
}

/** Prints the output of a task as it is, or that of all tasks of a job with the place before each line. */
export async function printLogs(api: Api, terminal: Terminal, request: LogsRequest): Promise<void> {
  const task = request.given?.length === 36 ? await taskOf(api, request.given) : undefined;
  if (task) return printTask(api, terminal, task, request, '');
  if (request.attempt !== undefined) throw new UsageError('--attempt is about one task: give the id of a task.');
  const job = await request.findJob();
  const tasks = await readTasks(api, job.id, request.failed ? 'FAILED' : undefined);
  const width = Math.max(0, ...tasks.map((each) => placeOf(each).length));
  const print = (each: Task) =>
    printTask(api, terminal, each, request, `${terminal.colours.dim(`${placeOf(each).padEnd(width)} │`)} `);
  // Followed ones come as they come; what is there already is easier to read task by task.
  if (request.follow) await Promise.all(tasks.map(print));
  else for (const each of tasks) await print(each);
}

function placeOf({ host, component, phase }: Task): string {
  return `${host} ${component} ${phase}`;
}

async function taskOf(api: Api, id: string): Promise<Task | undefined> {
  const { data, error, response } = await api.GET('/api/v1/tasks/{task}', { params: { path: { task: id } } });
  if (response.status === 404) return undefined;
  if (!data) throw refusal(error, response);
  return data;
}

async function printTask(
  api: Api,
  terminal: Terminal,
  task: Task,
  request: LogsRequest,
  prefix: string,
): Promise<void> {
  const path = `/api/v1/tasks/${task.id}/log${request.attempt === undefined ? '' : `?attempt=${request.attempt}`}`;
  const write = prefixed(terminal.out, prefix);
  if (!request.follow) {
    if (task.attempts === 0) return;
    const response = await reach(api.connection, () =>
      fetch(`${api.connection.url}${path}`, { headers: { ...headersOf(api.connection), accept: 'text/plain' } }),
    );
    if (!response.ok) throw refusal(await response.json().catch(() => undefined), response);
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) write(decoder.decode(bytes, { stream: true }));
    return write.end();
  }
  if (!(await hasAttempt(api, task))) return;
  for await (const { event, data } of streamOf(api.connection, path, { last: 'end' })) {
    if (event === 'output') write((data as { text: string }).text);
  }
  write.end();
}

/** Waits until a task has begun; a job that ends without it says that it never will. */
async function hasAttempt(api: Api, task: Task): Promise<boolean> {
  for (;;) {
    const now = await taskOf(api, task.id);
    if (!now) return false;
    if (now.attempts > 0) return true;
    if (now.state === 'CANCELED') return false;
    for await (const { data } of streamOf(api.connection, '/api/v1/events?topics=task,job')) {
      const { taskId, jobId, kind } = data as { taskId?: string; jobId?: string; kind?: string };
      if (taskId === task.id || (kind === 'job' && jobId === task.jobId)) break;
      // What happened between the look and the stream is seen by looking once more.
      if (kind === undefined) {
        const again = await taskOf(api, task.id);
        if (again === undefined || again.attempts > 0 || again.state === 'CANCELED') break;
      }
    }
  }
}

interface Writer {
  (text: string): void;
  /** Ends a last line that has no end. */
  end(): void;
}

function prefixed(out: (text: string) => void, prefix: string): Writer {
  let rest = '';
  const write = (text: string): void => {
    if (prefix === '') return out(text);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    out(lines.map((line) => `${prefix}${line}\n`).join(''));
  };
  return Object.assign(write, { end: () => (rest === '' ? undefined : out(`${prefix}${rest}\n`)) });
}
