import type { Job } from '../api/types.ts';
import type { Terminal } from '../output/terminal.ts';
import type { JobListener } from './follow.ts';
import { isTerminal, type PackageEvent, type TaskPicture } from './picture.ts';
import { packageLine, taskLine } from './words.ts';

/** Where nothing has been said for so long, what is still running is named; each time after twice as long. */
const QUIET_MS = 10_000;
const LONGEST_QUIET_MS = 300_000;
const NAMED = 4;
/** So many tasks that ended before the following began are told one by one. */
const TOLD_AFTERWARDS = 20;

/** One line per ended task: for logs, pipes and CI. */
export function lineListener(terminal: Terminal): JobListener {
  const running = new Map<string, TaskPicture>();
  const pending = new Map<string, TaskPicture>();
  let packagePhase = '';
  let quiet: NodeJS.Timeout | undefined;
  const print = (line: string): void => terminal.err(`${line}\n`);
  const say = (line: string): void => {
    print(line);
    waitFrom(QUIET_MS);
  };
  function waitFrom(ms: number): void {
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      const names = [...running.values()].map(({ component, host, phase }) => `${component} on ${host}: ${phase}`);
      const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
      if (names.length > 0) print(`… still running: ${names.slice(0, NAMED).join('; ')}${more}`);
      else if (pending.size > 0) print(waitingLine(pending.values()));
      waitFrom(Math.min(ms * 2, LONGEST_QUIET_MS));
    }, ms);
  }
  return {
    opened({ title, id }, tasks) {
      for (const task of tasks) {
        if (task.state === 'RUNNING') running.set(task.id, task);
        if (task.state === 'PENDING') pending.set(task.id, task);
      }
      const done = tasks.filter(({ state }) => isTerminal(state));
      const count = `${tasks.length} task${tasks.length === 1 ? '' : 's'}${done.length > 0 ? `, ${done.length} done` : ''}`;
      say(`${title}: ${count}, job ${id}`);
      // Quick ones end before anybody can follow; of a long job only the news is told.
      if (done.length <= TOLD_AFTERWARDS) for (const task of done) print(taskLine(task, terminal.colours));
    },
    changed(task) {
      if (task.state === 'RUNNING') running.set(task.id, task);
      else running.delete(task.id);
      if (task.state === 'PENDING') pending.set(task.id, task);
      else pending.delete(task.id);
      if (isTerminal(task.state)) say(taskLine(task, terminal.colours));
    },
    packageMoved(event: PackageEvent) {
      const key = `${event.name} ${event.version} ${event.phase}`;
      if (key === packagePhase) return;
      packagePhase = key;
      say(packageLine({ name: event.name, version: event.version, phase: event.phase }));
    },
    noticed: say,
    closed: () => clearTimeout(quiet),
  };
}

/** Nothing runs, and something shall: most often an agent is out of reach. */
function waitingLine(pending: Iterable<TaskPicture>): string {
  const { component, host, phase } = [...pending].reduce((first, each) => (each.index < first.index ? each : first));
  return `… nothing runs now; ${component} on ${host}: ${phase} comes next. "stackyard host get ${host}" shows whether its agent is connected.`;
}

/** Says nothing: for `--wait`. */
export const silentListener: JobListener = {
  opened: (_job: Job) => undefined,
  changed: () => undefined,
  packageMoved: () => undefined,
  noticed: () => undefined,
  closed: () => undefined,
};
