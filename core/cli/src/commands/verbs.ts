import type { Command } from 'commander';
import type { CommandRequest } from '../api/types.ts';
import type { Terminal } from '../output/terminal.ts';
import { planAndRun } from './execute.ts';
import { collect, connect, type RunOptions, withRun } from './parts.ts';
import { type RollingOptions, rollingOf, withRolling } from './rolling.ts';

export type RunVerb = 'start' | 'stop' | 'restart' | 'check';

const does: Readonly<Record<RunVerb, string>> = {
  start: 'start',
  stop: 'stop',
  restart: 'restart',
  check: 'run the checks of',
};

export interface Target {
  service?: string;
  component?: string;
  hosts?: string[];
}

/** Verbs that run a command on what the argument names. */
export interface RunVerbs {
  readonly verbs: readonly RunVerb[];
  /** For the help: "a service". */
  readonly of: string;
  readonly argument: { readonly name: string; readonly help: string };
  /** Whether `--host` restricts it. */
  readonly byHost?: boolean;
  readonly requestOf: (argument: string | undefined) => {
    readonly cluster?: string | undefined;
    readonly target: Target;
  };
}

function requestFor(verb: RunVerb, target: Target, options: RollingOptions): CommandRequest {
  return verb === 'restart' ? { command: verb, target, ...rollingOf(options) } : { command: verb, target };
}

export function addRunVerbs(
  noun: Command,
  terminal: Terminal,
  { verbs, of, argument, byHost, requestOf }: RunVerbs,
): void {
  for (const verb of verbs) {
    const command = withRun(noun.command(verb)).summary(`${does[verb]} ${of}`).argument(argument.name, argument.help);
    if (byHost) command.option('--host <name>', 'only on this host; may be repeated', collect);
    if (verb === 'restart') withRolling(command);
    command.action(async (given: string | undefined, options: RunOptions & RollingOptions & { host?: string[] }) => {
      const { api, cluster } = await connect(terminal, options);
      const { cluster: named, target } = requestOf(given);
      const hosts = options.host ? { hosts: [...(target.hosts ?? []), ...options.host] } : {};
      await planAndRun(api, terminal, {
        cluster: await cluster(named ?? options.cluster),
        request: requestFor(verb, { ...target, ...hosts }, options),
        options,
      });
    });
  }
}
