import { type Command, Option } from 'commander';
import { UsageError } from '../errors.ts';
import { parseDurations, parseFailures } from '../fleet/options.ts';
import type { FleetFlags } from '../fleet/run.ts';
import type { Terminal } from '../output/terminal.ts';
import { onServer } from './parts.ts';

/** Sockets of a process are limited; more agents are more processes, each with a prefix of its own. */
const MOST_AGENTS = 9_000;
const MOST_LINES = 10_000;

export function fleetCommand(command: Command, terminal: Terminal, done: (code: number) => void): void {
  onServer(command)
    .requiredOption('--agents <count>', 'how many', countOption('--agents', MOST_AGENTS))
    .option('--prefix <name>', 'of their host names, which end with a number', prefixOption, 'sim-')
    .addOption(
      new Option('--durations <times>', 'how long tasks take')
        .argParser(parseDurations)
        .default(parseDurations('0'), 'they end at once'),
    )
    .addOption(
      new Option('--failures <parts>', 'which tasks go wrong, and how').argParser(parseFailures).default([], 'none'),
    )
    .option('--lines <count>', 'how many lines every task prints', countOption('--lines', MOST_LINES), 0)
    .option('--seed <number>', 'decides what is left to chance', countOption('--seed', 2 ** 31), 1)
    .option('--remove', 'forget the hosts at the end; with --agents 0 those that an earlier run left')
    .option('--json', 'print what they did as one line of JSON at the end')
    .addHelpText(
      'after',
      `
For rehearsals: agents in this process that join the server and speak its real protocol, but whose tasks do nothing but
last, print and fail as told. Nothing on this machine is touched; the server cannot tell them from others. Ctrl-C ends it.

  --durations 200ms                         every task takes 200 ms
  --durations start=1s..3s,check=~200ms,50  a start takes 1 to 3 s, a check 200 ms on average, all else 50 ms
  --failures 1/50                           every 50th task of an agent fails
  --failures start=2%,check=hang:0.1%       of starts two in a hundred fail; of checks one in a thousand never ends
  --failures lost:1/1000                    the process of every 1000th task is gone without a result`,
    )
    .action(async (flags: FleetFlags) => {
      const { runFleet } = await import('../fleet/run.ts');
      done(await runFleet(flags, terminal));
    });
}

function countOption(name: string, most: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (!/^\d+$/.test(text) || count > most) throw new UsageError(`${name} ${text}: use a number from 0 to ${most}.`);
    return count;
  };
}

function prefixOption(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,100}$/.test(text))
    throw new UsageError(`--prefix ${text}: use letters, digits, . and -, and begin with a letter or a digit.`);
  return text;
}
