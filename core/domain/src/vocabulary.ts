/** What a user asks for. */
export const COMMANDS = [
  'add',
  'start',
  'stop',
  'restart',
  'configure',
  'check',
  'remove',
  'action',
  'decommission',
  'recommission',
  'upgrade',
] as const;
export type Command = (typeof COMMANDS)[number];

/** One lifecycle function; a task is one phase of one component on one host. */
export const PHASES = [
  'install',
  'configure',
  'init',
  'start',
  'prepare',
  'check',
  'stop',
  'remove',
  'reload',
  'action',
  'decommission',
  'recommission',
  'settle',
] as const;
export type Phase = (typeof PHASES)[number];

/**
 * What a changed property asks of a running component, mildest first.
 * `rolling` is a restart one host component after the other; `pinned` refuses the change once installed.
 */
export const EFFECTS = ['none', 'reload', 'restart', 'rolling', 'pinned'] as const;
export type Effect = (typeof EFFECTS)[number];

/** The phases of a command for a host component, in order. `configure` is followed by what the effect asks for. */
export const phasesOf = {
  add: ['install', 'configure', 'init', 'start', 'prepare', 'check'],
  start: ['start', 'check'],
  stop: ['stop'],
  restart: ['stop', 'start', 'check'],
  configure: ['configure'],
  check: ['check'],
  remove: ['stop', 'remove'],
  action: ['action'],
  decommission: ['configure', 'decommission'],
  recommission: ['configure', 'recommission'],
  /** Files change while nothing reads them: `configure` is the step from one version to the other. */
  upgrade: ['install', 'stop', 'configure', 'start', 'check'],
} as const satisfies Record<Command, readonly Phase[]>;

export type Category = 'server' | 'client';

/** What the operator wants of a host component. */
export type Desired = 'ABSENT' | 'INSTALLED' | 'RUNNING';

/** What was last seen of a host component. */
export type Observed = 'UNKNOWN' | 'STOPPED' | 'STARTING' | 'RUNNING' | 'UNHEALTHY';
