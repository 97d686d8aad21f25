import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import type { DemoOptions } from '../demo/demo.ts';
import type { Terminal } from '../output/terminal.ts';
import { portOption } from './server.ts';

const MOST_HOSTS = 20;

export function demoCommand(command: Command, terminal: Terminal, done: (code: number) => void): void {
  command
    .option(
      '--stack <names>',
      'what to bring up, such as zookeeper,kafka,hadoop, or all; zookeeper unless given. What is there stays',
    )
    .option('--hosts <count>', 'how many local hosts; 3 unless given', hostsOption)
    .option('--address <address>', 'loopback address of the first host; 127.0.0.11 unless given', addressOption)
    .option('--port <port>', 'of the REST API', portOption, 8080)
    .option('--data-dir <folder>', 'where everything is kept; a second start finds it again', '.stackyard/demo')
    .option('--package-origin <origin>', 'where products come from: auto, url or maven')
    .option('--json', 'print one line of JSON when all is healthy, with url, token and exports')
    .addHelpText(
      'after',
      '\nNeeds a JDK and Maven, no root rights. Everything lies in the data folder; Ctrl-C stops what was started.',
    )
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import('../demo/demo.ts');
      done(await runDemo(options, terminal));
    });
}

function hostsOption(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MOST_HOSTS)
    throw new UsageError(`--hosts ${text}: use a number from 1 to ${MOST_HOSTS}.`);
  return count;
}

function addressOption(text: string): string {
  const last = /^127\.\d{1,3}\.\d{1,3}\.(\d{1,3})$/.exec(text)?.[1];
  if (last === undefined || Number(last) > 254 - MOST_HOSTS)
    throw new UsageError(
      `--address ${text}: use a loopback address that leaves room for the others, such as 127.0.1.11.`,
    );
  return text;
}
