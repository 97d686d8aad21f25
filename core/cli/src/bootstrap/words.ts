import type { HostProgress, Probed } from '../api/types.ts';
import { table } from '../output/table.ts';
import type { Colours } from '../output/terminal.ts';

const says: Readonly<Record<HostProgress['state'], string>> = {
  WAITING: 'waiting',
  CONNECTING: 'connecting',
  CHECKING: 'checking',
  COPYING: 'copying',
  INSTALLING: 'installing',
  STARTING: 'starting',
  JOINED: 'joined',
  FAILED: 'failed',
};

/** How far a host is, in a few words. */
export function progressText({ state, percent }: HostProgress): string {
  return percent === null ? says[state] : `${says[state]} ${percent} %`;
}

export function isOver({ state }: HostProgress): boolean {
  return state === 'JOINED' || state === 'FAILED';
}

/** One line about a host for good: how it ended, and why. */
export function endLine(host: HostProgress, { green, red, bold }: Colours): string {
  const mark = host.state === 'JOINED' ? green('✓') : red('✗');
  return `${mark} ${bold(host.name)}  ${host.message ?? says[host.state]}`;
}

/** The host keys that machines showed. */
export function probeText(items: readonly Probed[], colours: Colours): string {
  const paint = { new: colours.yellow, known: colours.green, changed: colours.red, unreachable: colours.red };
  const shown = table(
    items,
    [
      { title: 'HOST', cell: ({ name }) => name },
      { title: 'ADDRESS', cell: ({ address, port }) => (port === 22 ? address : `${address} port ${port}`) },
      { title: 'HOST KEY', cell: ({ key }) => (key ? `${key.type} ${key.fingerprint}` : '-') },
      { title: '', cell: ({ standing }) => paint[standing](standing) },
    ],
    colours.bold,
  );
  const why = items.flatMap(({ message, name }) =>
    message === null ? [] : [`${colours.red('✗')} ${name}: ${message}\n`],
  );
  return `${shown}${why.join('')}`;
}
