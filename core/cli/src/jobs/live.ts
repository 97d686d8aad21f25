import type { Job } from '../api/types.ts';
import { live, type Live } from '../output/live.ts';
import { padEnd, type Terminal } from '../output/terminal.ts';
import { duration } from '../output/time.ts';
import type { JobListener } from './follow.ts';
import { countsOf, isTerminal, type PackageEvent, type TaskPicture } from './picture.ts';
import { packageLine, taskLine } from './words.ts';

/** The tasks of one host component, in the order of the plan. */
interface Group {
  readonly component: string;
  readonly host: string;
  readonly tasks: readonly TaskPicture[];
}

/** A job as a block of lines: one for each host component, with its phases in a row. */
export function liveListener(terminal: Terminal): JobListener {
  const tasks = new Map<string, TaskPicture>();
  let block: Live | undefined;
  let fetching: PackageEvent | undefined;
  let title = '';
  let begun = performance.now();
  return {
    opened(job: Job, now) {
      title = job.title;
      begun = performance.now() - (job.startedAt ? Math.max(0, Date.now() - Date.parse(job.startedAt)) : 0);
      for (const task of now) tasks.set(task.id, task);
      block = live(terminal, (spinner) =>
        picture({ title, tasks: [...tasks.values()], fetching, ms: performance.now() - begun }, spinner, terminal),
      );
    },
    changed(task) {
      tasks.set(task.id, task);
      if (task.state === 'FAILED') block?.say(taskLine(task, terminal.colours));
    },
    packageMoved(event) {
      fetching = event;
    },
    noticed: (sentence) => block?.say(terminal.colours.yellow(sentence)),
    closed() {
      fetching = undefined;
      block?.end();
    },
  };
}

export interface JobPicture {
  readonly title: string;
  readonly tasks: readonly TaskPicture[];
  readonly fetching: PackageEvent | undefined;
  readonly ms: number;
}

/** The lines of a job; those of ended host components go first when not all fit. */
export function picture(
  { title, tasks, fetching, ms }: JobPicture,
  spinner: string,
  terminal: Pick<Terminal, 'colours' | 'rows'>,
): string[] {
  const { bold, dim, cyan, red, yellow } = terminal.colours;
  const counts = countsOf(tasks);
  const ended = tasks.length - counts.PENDING - counts.RUNNING;
  const failed = counts.FAILED > 0 ? red(`, ${counts.FAILED} failed`) : '';
  const canceled = counts.CANCELED > 0 ? yellow(`, ${counts.CANCELED} cancelled`) : '';
  const head = `${ended === tasks.length ? signOfAll(tasks, terminal) : cyan(spinner)} ${bold(title)}  ${dim(`${ended} of ${tasks.length} tasks`)}${failed}${canceled}${dim(`, ${duration(ms)}`)}`;
  const groups = groupsOf(tasks);
  const width = (of: (group: Group) => string) => Math.max(0, ...groups.map((group) => of(group).length));
  const widths = { component: width(({ component }) => component), host: width(({ host }) => host) };
  const room = Math.max(2, terminal.rows - 5);
  const shown = groups.length <= room ? groups : [...groups].sort((a, b) => urgency(a) - urgency(b)).slice(0, room);
  const rows = shown.map((group) => {
    const name = `${padEnd(group.component, widths.component)}  ${padEnd(group.host, widths.host)}`;
    return `  ${signOfGroup(group, spinner, terminal)} ${name}  ${group.tasks.map((task) => phaseOf(task, terminal)).join(' ')}`;
  });
  const more = groups.length > shown.length ? [dim(`  … and ${groups.length - shown.length} more`)] : [];
  const packages =
    fetching && !isThere(fetching) && ended < tasks.length ? [`  ${cyan(spinner)} ${packageLine(fetching)}`] : [];
  return [head, ...rows, ...more, ...packages];
}

/** A package is looked through last; then it is there, and tasks go on with it. */
function isThere({ phase, bytes, total }: PackageEvent): boolean {
  return phase === 'inspect' && bytes !== undefined && bytes === total;
}

export function groupsOf(tasks: readonly TaskPicture[]): Group[] {
  const groups = new Map<string, { component: string; host: string; tasks: TaskPicture[] }>();
  for (const task of [...tasks].sort((a, b) => a.index - b.index)) {
    const { component, host } = task;
    const key = `${component} ${host}`;
    const group = groups.get(key) ?? { component, host, tasks: [] };
    group.tasks.push(task);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** What runs or failed is seen first. */
function urgency({ tasks }: Group): number {
  if (tasks.some(({ state }) => state === 'FAILED')) return 0;
  if (tasks.some(({ state }) => state === 'RUNNING')) return 1;
  return tasks.every(({ state }) => isTerminal(state)) ? 3 : 2;
}

function phaseOf({ phase, state }: TaskPicture, { colours }: Pick<Terminal, 'colours'>): string {
  const { bold, dim, green, red, yellow, cyan } = colours;
  const paint = {
    PENDING: dim,
    RUNNING: (text: string) => bold(cyan(text)),
    SUCCESSFUL: green,
    FAILED: red,
    CANCELED: yellow,
  };
  return paint[state](phase);
}

function signOfGroup({ tasks }: Group, spinner: string, terminal: Pick<Terminal, 'colours'>): string {
  if (tasks.some(({ state }) => state === 'RUNNING')) return terminal.colours.cyan(spinner);
  return signOfAll(tasks, terminal);
}

function signOfAll(tasks: readonly TaskPicture[], { colours }: Pick<Terminal, 'colours'>): string {
  const counts = countsOf(tasks);
  if (counts.FAILED > 0) return colours.red('✗');
  if (counts.CANCELED > 0) return colours.yellow('−');
  return counts.PENDING + counts.RUNNING === 0 ? colours.green('✓') : colours.dim('·');
}
