import { resolve } from 'node:path';
import { CliError, UsageError } from '../errors.ts';
import { addUpdate } from './agentUpdate.ts';
import type { Noun } from './parts.ts';

interface BundleOptions {
  readonly out?: string;
  readonly arch: string;
  readonly cache?: string;
  readonly output: string;
}

/** Verbs of `agent`; without one of them the command becomes the agent. */
export const agents: Noun = (noun, terminal) => {
  noun
    .command('bundle')
    .summary('pack the self-contained agent, for hosts that cannot reach the server yet')
    .option('--out <file>', 'where to; says only which version it would be unless given')
    .option('--arch <arch>', 'x64 or arm64', 'x64')
    .option('--cache <folder>', "where Node for other processors is kept; the system's temporary folder unless given")
    .option('-o, --output <format>', 'name or json', 'name')
    .action(async ({ out, arch, cache, output }: BundleOptions) => {
      const { agentSoftware, ARCHITECTURES } = await import('@stackyard/agent');
      const { tmpdir } = await import('node:os');
      const architecture = ARCHITECTURES.find((each) => each === arch);
      if (!architecture) throw new UsageError(`There is no agent for ${arch}: use ${ARCHITECTURES.join(' or ')}.`);
      const software = agentSoftware({ cacheDir: resolve(cache ?? `${tmpdir()}/stackyard-node`) });
      const failed = (error: unknown): never => {
        throw new CliError((error as Error).message, 1, { cause: error });
      };
      const version = await software.version().catch(failed);
      if (out !== undefined) await software.pack(architecture, resolve(out)).catch(failed);
      const joinScript = await software.joinScript();
      terminal.out(output === 'json' ? `${JSON.stringify({ version, joinScript })}\n` : `${version}\n`);
    });

  addUpdate(noun, terminal);
};
