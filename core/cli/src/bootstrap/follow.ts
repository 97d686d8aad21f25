import type { Api } from '../api/client.ts';
import { streamOf } from '../api/events.ts';
import type { Bootstrap, HostProgress } from '../api/types.ts';
import { CliError } from '../errors.ts';
import { live } from '../output/live.ts';
import { padEnd, type Terminal, widthOf } from '../output/terminal.ts';
import { endLine, isOver, progressText } from './words.ts';

/**
 * Follows a bootstrap to its end: on a terminal each host is a line that changes, elsewhere a line for each that ended.
 * When the connection breaks it goes on where it was.
 */
export async function followBootstrap(api: Api, terminal: Terminal, { id, hosts }: Bootstrap): Promise<Bootstrap> {
  const now = new Map(hosts.map((host) => [host.name, host]));
  const told = new Set<string>();
  const block = terminal.errIsTerminal
    ? live(terminal, (spinner) => lines([...now.values()], spinner, terminal))
    : undefined;
  const say = (line: string): void => (block ? block.say(line) : terminal.err(`${line}\n`));
  try {
    for await (const { event, data } of streamOf(api.connection, `/api/v1/bootstraps/${id}/events`, {
      last: 'ended',
    })) {
      if (event === 'ended') return data as Bootstrap;
      const host = data as HostProgress;
      now.set(host.name, host);
      if (!isOver(host) || told.has(host.name)) continue;
      told.add(host.name);
      say(endLine(host, terminal.colours));
    }
  } finally {
    block?.end({ erase: true });
  }
  throw new CliError(`The end of bootstrap ${id} was not seen. Look at it by: stackyard api GET /bootstraps/${id}`);
}

function lines(hosts: readonly HostProgress[], spinner: string, { colours, rows }: Terminal): string[] {
  const { bold, cyan, dim } = colours;
  const width = Math.max(...hosts.map(({ name }) => widthOf(name)));
  const under = hosts.filter((host) => !isOver(host) && host.state !== 'WAITING');
  const waiting = hosts.filter(({ state }) => state === 'WAITING').length;
  const joined = hosts.filter(({ state }) => state === 'JOINED').length;
  return [
    bold(`${joined} of ${hosts.length} hosts have joined${waiting > 0 ? dim(`, ${waiting} wait`) : ''}`),
    ...under
      .slice(0, Math.max(1, rows - 4))
      .map((host) => `${cyan(spinner)} ${padEnd(host.name, width)}  ${progressText(host)}`),
  ];
}
