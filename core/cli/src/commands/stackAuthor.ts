import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CliError, UsageError } from '../errors.ts';
import type { Noun } from './parts.ts';

/** Of a server and hosts of their own, on this machine. */
interface SiteFlags {
  readonly hosts?: number;
  readonly packageOrigin?: string;
  readonly dataDir?: string;
}

/** What an author does besides checking and building: begin a stack, try it, test it for real. */
export const authorVerbs: Noun = (noun, terminal) => {
  noun
    .command('init')
    .summary('begin a stack: a package that builds, is tested and documented')
    .argument('<name>', 'the product, such as valkey, or a package of your own scope, such as @acme/valkey')
    .option('--dir <folder>', 'where to; a folder called as the product unless given')
    .option('--title <title>', 'what people call the product')
    .action(async (name: string, options: { dir?: string; title?: string }) => {
      const { nextSteps, scaffold } = await import('create-stackyard-stack');
      const written = await scaffold({ name, folder: options.dir, title: options.title }).catch((error: unknown) => {
        throw new CliError((error as Error).message, 1, { cause: error });
      });
      terminal.out(nextSteps(written, process.cwd()));
    });

  withSite(noun.command('test'))
    .summary('run the contract of a stack with the real product, on local hosts of this machine')
    .requiredOption(
      '--real',
      'install, kill, recover, reconfigure, restart, remove: for real, below a temporary directory',
    )
    .addHelpText(
      'after',
      '\nTests without a cluster are those of the package: npm test. contract.json beside package.json sets sizes and places.',
    )
    .action(async (folder: string, options: SiteFlags) => {
      const { runContract } = await import('../contractKit/run.ts');
      const kept = await runContract({ folder: resolve(folder), ...options }, terminal);
      if (!kept) throw new CliError('');
    });

  withSite(noun.command('dev'))
    .summary('run a stack on a server of its own, and take every change of its package there')
    .addHelpText(
      'after',
      '\nServices are added as contract.json beside package.json says, else as recommended. Ctrl-C ends everything.',
    )
    .action(async (folder: string, options: SiteFlags) => {
      const { runDev } = await import('../stackDev/run.ts');
      await runDev({ folder: resolve(folder), ...options }, terminal);
    });
};

function withSite(command: Command): Command {
  return command
    .argument('[folder]', 'the package', '.')
    .option('--hosts <count>', 'how many local hosts', countOption)
    .option('--package-origin <origin>', 'where products come from: auto, url or maven')
    .option('--data-dir <folder>', 'keeps everything there, with all logs; else nothing is left');
}

function countOption(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 9)
    throw new UsageError(`--hosts ${text}: use a number from 1 to 9.`);
  return count;
}
