import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import type { Terminal } from '../output/terminal.ts';
import type { ServerFlags } from '../server/run.ts';
import { collect } from './parts.ts';

export function serverCommand(command: Command, terminal: Terminal, done: (code: number) => void): void {
  command
    .option('--data-dir <folder>', 'database, artifacts, packages, logs and the token lie here')
    .option('--port <port>', 'of the REST API; 8080 unless given', portOption)
    .option('--agent-port <port>', 'that agents dial; 7071 unless given', portOption)
    .option('--enrolment-port <port>', 'where hosts join; 7072 unless given', portOption)
    .option('--agent-host <address>', 'where it listens for agents and for hosts that join; 127.0.0.1 unless given')
    .option('--advertised-host <name>', 'what hosts dial, when it is another name or address')
    .option('--stack <stack>', 'a package, folder or .tgz; may be repeated; @stack/zookeeper unless given', collect)
    .option(
      '--plugin <package>',
      'a platform plugin, by package or folder; may be repeated; @stackyard/plugin-prometheus and plugin-ssh unless given',
      collect,
    )
    .option('--without-plugin <plugin>', 'leave this one out, by package, folder or id; may be repeated', collect)
    .option('--package-origin <origin>', 'where products come from: auto, url or maven')
    .option('--config <file>', 'settings as YAML')
    .option('--log-level <level>', 'trace, debug, info, warn or error')
    .option('--json', 'print where it listens as one line of JSON')
    .addHelpText(
      'after',
      `
Every setting can be given by a variable too, such as STACKYARD_SERVER_HTTP_PORT or STACKYARD_SERVER_PACKAGES_ORIGIN.
DATABASE_URL names a PostgreSQL of your own; without it the server brings one along.`,
    )
    .action(async (flags: ServerFlags) => {
      const { runServer } = await import('../server/run.ts');
      done(await runServer(flags, terminal));
    });
}

export function portOption(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError(`${text} is no port. Use a number from 0 to 65535.`);
  return port;
}
