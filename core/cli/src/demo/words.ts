import type { HostComponent } from '../api/types.ts';
import type { Colours } from '../output/terminal.ts';
import { facts } from '../output/table.ts';

export interface Ready {
  readonly url: string;
  readonly tokenFile: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: readonly HostComponent[];
  /** What goes before every command, such as "npx stackyard --context demo"; it ends where arguments begin. */
  readonly command: string;
  /** Option that names the context, where another one is current. */
  readonly context: string;
}

const COUNTS = ['No', 'One', 'Two', 'Three', 'Four'];

/** What a newcomer wants to know when all is up: where it is, how to sign in, and some things to try. */
export function readyText({ url, tokenFile, exports, components, command, context }: Ready, colours: Colours): string {
  const { bold, dim, cyan } = colours;
  const offered = Object.entries(exports).flatMap(([service, values]) =>
    Object.entries(values).map(([name, value]) => [`${service}.${name}`, String(value)] as const),
  );
  const webhdfs = exports['hdfs']?.['webhdfs'];
  const members = components.filter(({ pid }) => pid !== null);
  const victim = members.find(({ role }) => role === 'leader') ?? members[0];
  const where = facts(
    [
      ['API and docs', `${url}/api/v1/docs`],
      ['Sign in', `Authorization: Bearer <the token in ${tokenFile}>`],
      ['Metrics', `${url}/metrics`],
      ...offered.map(([name, value]) => [name, bold(value)] as const),
    ],
    dim,
  );
  const tries = (
    [
      [
        Object.keys(exports).length > 1
          ? 'See what runs where: roles, health, restarts.'
          : 'See the ensemble: who leads, who follows.',
        [`${command} component list${context}`],
      ],
      ...(exports['zookeeper']
        ? ([
            [
              'Change a property: see the diff of each file and who restarts, then say yes.',
              [`${command} config set zookeeper tickTime=3000${context}`],
            ],
          ] as const)
        : []),
      ...(typeof webhdfs === 'string'
        ? ([['Look into the file system.', [`curl -s '${webhdfs}/webhdfs/v1/?op=LISTSTATUS'`]]] as const)
        : []),
      ...(victim
        ? ([
            [
              `Kill a member${victim.role ? ` (the ${victim.role})` : ''} and see it come back, its restart counted.`,
              [`kill -9 ${victim.pid}; sleep 3; ${command} component list${context}`],
            ],
          ] as const)
        : []),
    ] as const
  ).map(([text, commands]) => [text, [...commands]] as const);
  const list = tries.map(
    ([text, commands], index) =>
      `  ${index + 1}. ${text}\n${commands.map((line) => `       ${cyan(line)}\n`).join('')}`,
  );
  return `\n${where}\n${bold(`${COUNTS[tries.length] ?? tries.length} things to try`)}, in another terminal in this folder:\n${list.join('')}\nCtrl-C stops everything that was started; the next start finds its data again.\n`;
}
