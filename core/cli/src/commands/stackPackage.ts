import { resolve } from 'node:path';
import { CliError, JobEndedError } from '../errors.ts';
import { EXIT } from '../exitCodes.ts';
import { countText, problemsText } from '../output/problems.ts';
import { step } from '../output/step.ts';
import { facts } from '../output/table.ts';
import { bytes } from '../output/time.ts';
import type { Noun } from './parts.ts';
import { signFile } from './stackSigning.ts';

/** What is done with a stack's package on this machine: find what is wrong in it, and build it. */
export const packageVerbs: Noun = (noun, terminal) => {
  noun
    .command('check')
    .summary('find everything that is wrong in a stack package; exits 1 when something is')
    .argument('[folder]', 'the package', '.')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (folder: string, options: { output: string }) => {
      const { checkStack, isError } = await import('@stackyard/sdk/build');
      const { problems, notes } = await step(
        terminal,
        `Checking ${folder}`,
        () => checkStack(resolve(folder)),
        () => `Looked at ${folder}`,
      );
      if (options.output === 'json') terminal.out(`${JSON.stringify({ problems, notes }, undefined, 2)}\n`);
      else {
        terminal.out(problemsText(problems, terminal.colours));
        for (const note of notes) terminal.err(`${note}.\n`);
        terminal.err(`${countText(problems)}\n`);
      }
      if (problems.some(isError)) throw new JobEndedError('', EXIT.failed);
    });

  noun
    .command('build')
    .summary('build the artifact of a stack package')
    .argument('[folder]', 'the package', '.')
    .option('--out <folder>', 'where to; dist/stack of the package unless given')
    .option('--sign <file>', 'also sign it, with the private key that "publisher keygen" made')
    .option('-o, --output <format>', 'table, json or name', 'table')
    .action(async (folder: string, options: { out?: string; sign?: string; output: string }) => {
      const { buildStack, StackDefinitionError } = await import('@stackyard/sdk/build');
      const outDir = options.out === undefined ? {} : { outDir: resolve(options.out) };
      const built = await buildStack(resolve(folder), outDir).catch((error: unknown) => {
        if (!(error instanceof StackDefinitionError)) throw new CliError((error as Error).message, 1, { cause: error });
        terminal.err(problemsText(error.problems, terminal.colours));
        throw new CliError(`${folder} cannot be built: ${countText(error.problems)}`, EXIT.failed, { cause: error });
      });
      const { file, digest, size, manifest, warnings, notes, removed } = built;
      const signed = options.sign === undefined ? undefined : await signFile(file, options.sign);
      terminal.err(problemsText(warnings, terminal.colours));
      for (const note of notes) terminal.err(`${note}.\n`);
      if (removed.length > 0) terminal.err(`Removed what earlier builds had left: ${removed.join(', ')}.\n`);
      if (options.output === 'json')
        terminal.out(`${JSON.stringify({ file, digest, size, name: manifest.name, version: manifest.version })}\n`);
      else if (options.output === 'name') terminal.out(`${file}\n`);
      else
        terminal.out(
          facts(
            [
              ['Stack', `${manifest.name} ${manifest.version}`],
              ['Artifact', file],
              ['Digest', digest],
              ['Size', bytes(size)],
              ...(signed ? ([['Signed by', `${signed.publisher}, ${signed.keyId}`]] as const) : []),
            ],
            terminal.colours.dim,
          ),
        );
    });
};
