import { rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { answerOf } from '../api/client.ts';
import { receiveFile, sendBytes } from '../api/transfer.ts';
import type { BundleImport } from '../api/types.ts';
import { CliError, UsageError } from '../errors.ts';
import { printOne } from '../output/print.ts';
import { progress } from '../output/progress.ts';
import { step } from '../output/step.ts';
import { bytes } from '../output/time.ts';
import { parseSpec } from '../stacks/spec.ts';
import { bundleText } from '../stacks/words.ts';
import { agreed } from './execute.ts';
import { collect, connect, type Noun, onServer, type OutputOptions, type ServerOptions, withOutput } from './parts.ts';
import { allowingOf, withAllowing } from './stackInstall.ts';

const ARCHITECTURES = ['x64', 'arm64'] as const;
type Architecture = (typeof ARCHITECTURES)[number];

interface CreateOptions extends ServerOptions {
  readonly out: string;
  readonly packages?: boolean;
  readonly java?: boolean;
  readonly agents?: boolean;
  readonly arch?: readonly string[];
  readonly force?: boolean;
}
interface ImportOptions extends OutputOptions {
  readonly yes?: boolean;
  readonly downgrade?: boolean;
  readonly unsigned?: boolean;
  readonly replace?: boolean;
}

export const bundles: Noun = (noun, terminal) => {
  onServer(noun.command('create'))
    .summary('put installed stacks and what hosts need for them into one file')
    .argument('<stacks...>', 'NAME, the newest installed one, or NAME@VERSION')
    .requiredOption('--out <file>', 'where to')
    .option('--packages', 'also the archives of the products, which are fetched where they are missing')
    .option('--java', 'also the Java that hosts get whose own does not suit the stacks')
    .option('--agents', 'also the agent for hosts')
    .option('--arch <architecture>', 'of the hosts: x64 or arm64; may be repeated; x64 unless given', collect)
    .option('--force', 'in place of a file that is there')
    .action(async (stacks: string[], options: CreateOptions) => {
      const { out } = options;
      if (existsSync(out) && !options.force)
        throw new UsageError(`${out} is there already. Name another file, or say --force.`);
      const body = {
        stacks: stacks.map(stackOf),
        packages: options.packages ?? false,
        java: options.java ?? false,
        agents: options.agents ?? false,
        architectures: (options.arch ?? ['x64']).map(architectureOf),
      };
      const { api } = await connect(terminal, options);
      const partial = `${out}.${process.pid}.partial`;
      try {
        await progress(
          terminal,
          'Making the bundle',
          async (onBytes) => {
            await receiveFile(api.connection, { path: '/api/v1/bundles', body, file: partial, onBytes });
            await rename(partial, out);
            return (await stat(out)).size;
          },
          (size) => `Made ${out} with ${bytes(size)}`,
        );
      } finally {
        await rm(partial, { force: true });
      }
    });

  withAllowing(withOutput(noun.command('import')))
    .summary('take in what a bundle has: all of it or nothing')
    .argument('<file>', 'the bundle')
    .option('-y, --yes', 'do not ask; needed where nobody can be asked')
    .action(async (file: string, options: ImportOptions) => {
      if (!existsSync(file)) throw new UsageError(`There is no ${file}. Correct the path.`);
      const { api } = await connect(terminal, options);
      const send = { path: '/api/v1/bundle-imports', media: 'application/x-tar', from: file };
      const seen = await progress(
        terminal,
        `Sending ${file}`,
        async (onBytes) => (await sendBytes(api.connection, { ...send, onBytes })) as BundleImport,
        () => `${file} is whole, every part of it verified`,
      );
      const path = { bundle: seen.id };
      try {
        if (options.output === 'table') terminal.err(bundleText(seen, terminal.colours));
        const allowing = allowingOf(options);
        const refused = seen.stacks.find(({ refusal }) => refusal !== null);
        if (refused && Object.keys(allowing).length === 0)
          throw new CliError(`Nothing was imported: ${refused.refusal?.message}`);
        await agreed(terminal, options, `Import ${countText(seen)}?`);
        const imported = await step(
          terminal,
          'Importing',
          () => answerOf(api.POST('/api/v1/bundle-imports/{bundle}/execute', { params: { path }, body: allowing })),
          () => `Imported ${countText(seen)}`,
        );
        const names = imported.stacks.map(({ name, version }) => `${name}@${version}`).join('\n');
        if (options.output !== 'table')
          await printOne(terminal, imported, { human: () => '', name: () => names }, options.output);
      } catch (error) {
        // It would take the place of another one until the server stops.
        await api.DELETE('/api/v1/bundle-imports/{bundle}', { params: { path } }).catch(() => undefined);
        throw error;
      }
    });
};

function countText({ stacks, packages }: BundleImport): string {
  const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
  return [plural(stacks.length, 'stack'), ...(packages.length > 0 ? [plural(packages.length, 'package')] : [])].join(
    ' and ',
  );
}

function stackOf(text: string): { name: string; version?: string } {
  const spec = parseSpec(text);
  if (spec.kind !== 'registry')
    throw new UsageError(`${text} is a path: a bundle has installed stacks. Install it first.`);
  return { name: spec.stack, ...(spec.version === undefined ? {} : { version: spec.version }) };
}

function architectureOf(text: string): Architecture {
  const found = ARCHITECTURES.find((each) => each === text);
  if (!found) throw new UsageError(`--arch ${text} is not known: use ${ARCHITECTURES.join(' or ')}.`);
  return found;
}
