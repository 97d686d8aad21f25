import type { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { type Api, answerOf } from '../api/client.ts';
import type { AgentUpdate } from '../api/types.ts';
import { CliError, UsageError } from '../errors.ts';
import { EXIT } from '../exitCodes.ts';
import type { Colours, Terminal } from '../output/terminal.ts';
import { agreed } from './execute.ts';
import { connect, durationOption, onServer, type ServerOptions } from './parts.ts';

interface UpdateOptions extends ServerOptions {
  readonly hosts?: string;
  readonly wave?: number;
  readonly pause?: boolean;
  readonly trial?: number;
  readonly continue?: string;
  readonly yes?: boolean;
}

const LOOK_MS = 500;

/** `agent update`. */
export function addUpdate(noun: Command, terminal: Terminal): void {
  onServer(noun.command('update'))
    .summary("bring agents to the server's version, wave by wave; one that does not come up goes back")
    .option('--hosts <names>', 'comma-separated; every host unless given')
    .option('--wave <number>', 'hosts at once; 10 unless given', count)
    .option('--pause', 'wait after the first wave, until --continue')
    .option('--continue <update>', 'go on with an update that waits')
    .option('--trial <duration>', 'how long a new agent may take to come up; 2m unless given', durationOption)
    .option('-y, --yes', 'do not ask; needed where nobody can be asked')
    .action(async (options: UpdateOptions) => {
      const { api } = await connect(terminal, options);
      const ended = await followed(api, terminal, await begun(api, terminal, options));
      if (ended.state === 'PAUSED')
        terminal.err(`${ended.message ?? ''} stackyard agent update --continue ${ended.id}\n`);
      if (ended.state === 'FAILED') throw new CliError(ended.message ?? 'The update failed.', EXIT.jobFailed);
    });
}

function count(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new UsageError(`${text} is no number of hosts.`);
  return number;
}

async function begun(api: Api, terminal: Terminal, options: UpdateOptions): Promise<AgentUpdate> {
  if (options.continue !== undefined) {
    const path = { update: options.continue };
    return answerOf(api.POST('/api/v1/agent-updates/{update}/continue', { params: { path } }));
  }
  const hosts = options.hosts?.split(',').map((name) => name.trim());
  const who = hosts ? hosts.join(', ') : 'every host';
  await agreed(terminal, options, `Update the agents of ${who}? What runs there goes on.`);
  const body = {
    ...(hosts ? { hosts } : {}),
    ...(options.wave === undefined ? {} : { waveSize: options.wave }),
    ...(options.pause ? { pauseAfterFirst: true } : {}),
    ...(options.trial === undefined ? {} : { trialSeconds: Math.round(options.trial / 1000) }),
  };
  return answerOf(api.POST('/api/v1/agent-updates', { body }));
}

/** Tells of each host as it changes, until the update ends or waits. */
async function followed(api: Api, terminal: Terminal, first: AgentUpdate): Promise<AgentUpdate> {
  const told = new Map<string, string>();
  terminal.err(`Updating agents to ${first.version} (${first.id}).\n`);
  for (let run = first; ;) {
    for (const host of run.hosts) {
      if (told.get(host.name) === host.state || host.state === 'WAITING') continue;
      told.set(host.name, host.state);
      terminal.err(`${hostLine(host, terminal.colours)}\n`);
    }
    if (run.state !== 'RUNNING') return run;
    await delay(LOOK_MS);
    const path = { update: run.id };
    run = await answerOf(api.GET('/api/v1/agent-updates/{update}', { params: { path } }));
  }
}

function hostLine({ name, state, message, wave }: AgentUpdate['hosts'][number], { green, red, dim }: Colours): string {
  if (state === 'UPDATING') return dim(`  ${name}  is being updated, wave ${wave}`);
  if (state === 'UPDATED') return `${green('✓')} ${name}  is updated`;
  if (state === 'SKIPPED') return dim(`- ${name}  ${message ?? ''}`);
  return `${red('✗')} ${name}  ${state === 'ROLLED_BACK' ? `went back to its agent. ${message ?? ''}` : (message ?? '')}`;
}
