import type { Command } from 'commander';
import { answerOf } from '../api/client.ts';
import type { Authority } from '../api/types.ts';
import { printOne } from '../output/print.ts';
import { facts } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { agreed } from './execute.ts';
import { connect, type Noun, type OutputOptions, withOutput } from './parts.ts';

type Step = 'start' | 'switch' | 'finish' | 'rollback';

/** The verbs of a rotation in their order: what each does, and what is asked before. */
const verbs: readonly {
  readonly verb: string;
  readonly step: Step;
  readonly summary: string;
  readonly question: string;
}[] = [
  {
    verb: 'rotate',
    step: 'start',
    summary: 'make a new authority, which agents trust beside the old one',
    question: 'Make a new certificate authority, and let agents trust both?',
  },
  {
    verb: 'switch',
    step: 'switch',
    summary: 'sign by the new authority; agents renew their certificates',
    question: 'Sign by the new authority from now on?',
  },
  {
    verb: 'finish',
    step: 'finish',
    summary: 'drop the old authority',
    question: 'Drop the old authority? This cannot be taken back.',
  },
  {
    verb: 'rollback',
    step: 'rollback',
    summary: 'take the last step back',
    question: 'Go one step back?',
  },
];

export const authority: Noun = (noun, terminal) => {
  withOutput(noun.command('show'))
    .summary('show the certificate authority of the server, and how far a rotation is')
    .action(async (options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      await print(terminal, await answerOf(api.GET('/api/v1/server/authority')), options);
    });
  for (const each of verbs) addVerb(noun, terminal, each);
};

function addVerb(noun: Command, terminal: Terminal, { verb, step, summary, question }: (typeof verbs)[number]): void {
  withOutput(noun.command(verb))
    .summary(summary)
    .option('--force', 'also when that cuts hosts off, which have to join again then')
    .option('-y, --yes', 'do not ask')
    .action(async (options: OutputOptions & { force?: boolean; yes?: boolean }) => {
      const { api } = await connect(terminal, options);
      await agreed(terminal, options, question);
      const body = { step, ...(options.force ? { force: true } : {}) };
      const now = await answerOf(api.POST('/api/v1/server/authority/rotate', { body }));
      await print(terminal, now, options);
    });
}

async function print(terminal: Terminal, shown: Authority, options: OutputOptions): Promise<void> {
  const human = (): string => authorityText(shown, terminal);
  await printOne(terminal, shown, { human, name: ({ issuing }) => issuing }, options.output);
}

const phases: Readonly<Record<Authority['phase'], string>> = {
  SETTLED: 'settled: there is one authority',
  INTRODUCED: 'introduced: agents trust both, the old one signs',
  SWITCHED: 'switched: agents trust both, the new one signs',
};

function authorityText({ phase, issuing, trusted, possible, behind }: Authority, { colours }: Terminal): string {
  const next = verbs.filter(({ step }) => possible.includes(step)).map(({ verb }) => `stackyard ca ${verb}`);
  return facts(
    [
      ['Rotation', phases[phase]],
      ...trusted.map(
        ({ sha256, expiresAt }) =>
          [
            sha256 === issuing ? 'Signs' : 'Trusted',
            `SHA-256 ${sha256}, until ${new Date(expiresAt).toLocaleDateString()}`,
          ] as const,
      ),
      ...(phase === 'SETTLED'
        ? []
        : ([['Not ready', behind.length === 0 ? 'no host' : colours.red(behind.join(', '))]] as const)),
      ['Next', next.join(', or ')],
    ],
    colours.dim,
  );
}
