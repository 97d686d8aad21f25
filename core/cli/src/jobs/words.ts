import { bytes, duration } from '../output/time.ts';
import type { Colours } from '../output/terminal.ts';
import { type PackageEvent, type State, taskMs, type TaskPicture } from './picture.ts';

const signs: Readonly<Record<State, string>> = {
  PENDING: '·',
  RUNNING: '▸',
  SUCCESSFUL: '✓',
  FAILED: '✗',
  CANCELED: '−',
};

export function signOf(state: State, colours: Colours): string {
  const paint = {
    PENDING: colours.dim,
    RUNNING: colours.cyan,
    SUCCESSFUL: colours.green,
    FAILED: colours.red,
    CANCELED: colours.yellow,
  };
  return paint[state](signs[state]);
}

export function stateOf(state: State, colours: Colours): string {
  const paint = {
    PENDING: colours.dim,
    RUNNING: colours.cyan,
    SUCCESSFUL: colours.green,
    FAILED: colours.red,
    CANCELED: colours.yellow,
  };
  return paint[state](state);
}

/** "✓ zookeeper_server on zk2: start (1.9 s)" */
export function taskLine(task: TaskPicture, colours: Colours): string {
  const { component, host, phase, state } = task;
  const ms = taskMs(task);
  const took = ms === undefined ? '' : colours.dim(` (${duration(ms)})`);
  const again = task.attempt > 1 && state !== 'CANCELED' ? colours.dim(`, attempt ${task.attempt}`) : '';
  return `${signOf(state, colours)} ${component} on ${host}: ${phase}${again}${took}${whyOf(task)}`;
}

const reasons: Readonly<Record<string, string>> = {
  DEPENDENCY_FAILED: 'a task before it failed',
  USER_CANCEL: 'cancelled',
};

function whyOf({ state, reason, message }: TaskPicture): string {
  if (state === 'FAILED') return message ? `: ${message}` : reason ? `: ${reason}` : '';
  if (state === 'CANCELED') return reason ? `: ${reasons[reason] ?? reason}` : '';
  return '';
}

const doing: Readonly<Record<string, (name: string) => string>> = {
  download: (name) => `Fetching ${name}`,
  resolve: (name) => `Fetching ${name} from Maven`,
  pack: (name) => `Packing ${name}`,
  inspect: (name) => `Checking ${name}`,
};

/** "Fetching zookeeper 3.9.4 … 4.2 MB of 14.1 MB" */
export function packageLine({ name, version, phase, bytes: count, total }: PackageEvent): string {
  const what = (doing[phase] ?? ((product: string) => `Package ${product}: ${phase}`))(`${name} ${version}`);
  if (!count) return `${what} …`;
  return `${what} … ${bytes(count)}${total ? ` of ${bytes(total)}` : ''}`;
}
