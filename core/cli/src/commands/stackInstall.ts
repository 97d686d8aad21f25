import type { Command } from 'commander';
import { type Api, answerOf } from '../api/client.ts';
import { sendBytes } from '../api/transfer.ts';
import type { StackDelivery } from '../api/types.ts';
import { CliError, UsageError } from '../errors.ts';
import { printOne } from '../output/print.ts';
import { step } from '../output/step.ts';
import type { Terminal } from '../output/terminal.ts';
import { sendingOf } from '../stacks/sending.ts';
import { parseSpec, type Spec } from '../stacks/spec.ts';
import { deliveryText } from '../stacks/words.ts';
import { agreed } from './execute.ts';
import { connect, type OutputOptions, withOutput } from './parts.ts';

interface Allowing {
  readonly downgrade?: boolean;
  readonly unsigned?: boolean;
  readonly replace?: boolean;
}
interface InstallOptions extends OutputOptions, Allowing {
  readonly registry?: string;
  readonly yes?: boolean;
  readonly preview?: boolean;
}

/** What somebody has to say to have it all the same. */
export function withAllowing(command: Command): Command {
  return command
    .option('--downgrade', 'also a version that is older than the newest installed one')
    .option('--unsigned', 'also without a signature, although it was signed before')
    .option('--replace', 'also in place of other contents of this version, when no service runs from them');
}

export function allowingOf({ downgrade, unsigned, replace }: Allowing): Allowing {
  return { ...(downgrade && { downgrade }), ...(unsigned && { unsigned }), ...(replace && { replace }) };
}

/** `stack install`. */
export function addInstall(noun: Command, terminal: Terminal): void {
  withAllowing(withOutput(noun.command('install')))
    .summary('install a stack from a registry, a file or a folder')
    .argument('<spec>', 'NAME, NAME@RANGE, FILE.tgz, or ./FOLDER, which is built first')
    .option('--registry <name>', 'the one that serves its scope unless given')
    .option('--preview', 'show what it is and what it changes, and install nothing')
    .option('-y, --yes', 'do not ask; needed where nobody can be asked')
    .addHelpText(
      'after',
      `
The server fetches from its registries itself and takes out the artifact and its signatures; no script of a package runs.
It is done when this ends, and can be used at once; versions stand side by side.

  stackyard stack install @acme/db@^1.2
  stackyard stack install ./my-stack --replace`,
    )
    .action(async (text: string, options: InstallOptions) => {
      const spec = parseSpec(text);
      if (spec.kind !== 'registry' && options.registry !== undefined)
        throw new UsageError(`--registry says where a name is looked up, and ${text} is a path. Leave it out.`);
      const { api } = await connect(terminal, options);
      const door = await doorOf(api, spec, options, terminal);
      const seen = await step(terminal, `Looking at ${text}`, () => door('/preview', {}), lookedAt);
      const isTable = options.output === 'table';
      if (isTable) terminal.err(deliveryText(seen, terminal.colours));
      if (options.preview && !isTable) return printOne(terminal, seen, outputs, options.output);
      if (seen.refusal) throw new CliError(isTable ? 'Nothing was installed.' : seen.refusal.message);
      if (options.preview) return undefined;
      if (seen.state === 'installed') terminal.err('Nothing to do: it is installed.\n');
      else await agreed(terminal, options, `Install ${seen.name} ${seen.version}?`);
      const { digest } = seen;
      const installed =
        seen.state === 'installed'
          ? seen
          : await step(
              terminal,
              'Installing',
              () => door('', { digest }),
              ({ name, version }) => `Installed ${name} ${version}.`,
            );
      if (!isTable) await printOne(terminal, installed, outputs, options.output);
    });
}

const outputs = { human: () => '', name: ({ name, version }: StackDelivery) => `${name}@${version}` };

function lookedAt({ name, version, digest }: StackDelivery): string {
  return `Looked at ${name === null ? digest : `${name} ${version}`}`;
}

/** Both ways to the server, looking and installing: exactly what was looked at is installed. */
async function doorOf(api: Api, spec: Spec, options: InstallOptions, terminal: Terminal) {
  const allowing = allowingOf(options);
  type Pinned = { digest?: string };
  if (spec.kind === 'registry') {
    const asked = {
      stack: spec.stack,
      ...(spec.version === undefined ? {} : { version: spec.version }),
      ...(options.registry === undefined ? {} : { registry: options.registry }),
      ...allowing,
    };
    return (which: '' | '/preview', pinned: Pinned): Promise<StackDelivery> => {
      const body = { ...asked, ...pinned };
      return which === ''
        ? answerOf(api.POST('/api/v1/stacks/install', { body }))
        : answerOf(api.POST('/api/v1/stacks/install/preview', { body }));
    };
  }
  const { content, origin, source } =
    spec.kind === 'folder'
      ? await step(
          terminal,
          `Building ${spec.folder}`,
          () => sendingOf(spec),
          () => `Built ${spec.folder}`,
        )
      : await sendingOf(spec);
  const said = Object.fromEntries(Object.keys(allowing).map((key) => [key, 'true']));
  return async (which: '' | '/preview', pinned: Pinned): Promise<StackDelivery> => {
    const query = new URLSearchParams({ origin, source, ...said, ...pinned }).toString();
    const media = 'application/octet-stream';
    const path = `/api/v1/stacks${which}?${query}`;
    return (await sendBytes(api.connection, { path, media, from: content })) as StackDelivery;
  };
}
