import type { Job } from '../api/types.ts';
import type { Terminal } from '../output/terminal.ts';
import type { JobListener } from './follow.ts';
import { isTerminal, type PackageEvent, type TaskPicture } from './picture.ts';
import { packageLine, taskLine } from './words.ts';

/** Where nothing has been said for so long, what is still running is named. */
const QUIET_MS = 10_000;

/** One line per ended task: for logs, pipes and CI. */
export function lineListener(terminal: Terminal): JobListener {
  const running = new Map<string, TaskPicture>();
  let packagePhase = '';
  let quiet: NodeJS.Timeout | undefined;
  const say = (line: string): void => {
    terminal.err(`${line}\n`);
    quiet?.refresh();
  };
  return {
    opened(job, tasks) {
      for (const task of tasks) if (task.state === 'RUNNING') running.set(task.id, task);
      const done = tasks.filter(({ state }) => isTerminal(state)).length;
      say(
        `${job.title}: ${tasks.length} task${tasks.length === 1 ? '' : 's'}${done > 0 ? `, ${done} done` : ''}, job ${job.id}`,
      );
      quiet = setInterval(() => {
        const names = [...running.values()].map(({ component, host, phase }) => `${component} on ${host}: ${phase}`);
        if (names.length > 0)
          say(
            `… still running: ${names.slice(0, 4).join('; ')}${names.length > 4 ? ` and ${names.length - 4} more` : ''}`,
          );
      }, QUIET_MS);
    },
    changed(task) {
      if (task.state === 'RUNNING') running.set(task.id, task);
      else running.delete(task.id);
      if (isTerminal(task.state)) say(taskLine(task, terminal.colours));
    },
    packageMoved(event: PackageEvent) {
      const key = `${event.name} ${event.version} ${event.phase}`;
      if (key === packagePhase) return;
      packagePhase = key;
      say(packageLine({ name: event.name, version: event.version, phase: event.phase }));
    },
    noticed: say,
    closed: () => clearInterval(quiet),
  };
}

/** Says nothing: for `--wait`. */
export const silentListener: JobListener = {
  opened: (_job: Job) => undefined,
  changed: () => undefined,
  packageMoved: () => undefined,
  noticed: () => undefined,
  closed: () => undefined,
};
