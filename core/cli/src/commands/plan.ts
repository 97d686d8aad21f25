import { answerOf } from '../api/client.ts';
import type { CommandRequest, StoredPlan } from '../api/types.ts';
import { UsageError } from '../errors.ts';
import { planText } from '../output/plan.ts';
import { printOne } from '../output/print.ts';
import type { Terminal } from '../output/terminal.ts';
import { executePlan, makePlan } from './execute.ts';
import {
  type ClusterOptions,
  collect,
  connect,
  type Noun,
  type OutputOptions,
  readDocument,
  type RunOptions,
  withCluster,
  withOutput,
  withRun,
} from './parts.ts';

const COMMANDS = ['start', 'stop', 'restart', 'check', 'configure', 'remove', 'decommission', 'recommission'] as const;

interface CreateOptions extends OutputOptions, ClusterOptions {
  readonly file?: string;
  readonly service?: string;
  readonly component?: string;
  readonly host?: string[];
  readonly deleteData?: boolean;
  readonly full?: boolean;
}

export const plans: Noun = (noun, terminal) => {
  withCluster(withOutput(noun.command('create')))
    .summary('show what a command would do, without doing it')
    .argument('[command]', `one of ${COMMANDS.join(', ')}; or give --file`)
    .option('--file <file>', 'the command as JSON or YAML, as the API takes it; "-" for standard input')
    .option('--service <name>', 'what it is for')
    .option('--component <name>', 'what it is for')
    .option('--host <name>', 'only on this host; may be repeated', collect)
    .option('--delete-data', 'with remove: also delete data directories')
    .option('--full', 'show the content of new files too')
    .action(async (command: string | undefined, options: CreateOptions) => {
      const { api, cluster } = await connect(terminal, options);
      const plan = await makePlan(api, await cluster(options.cluster), await requestOf(command, options));
      await print(terminal, plan, options);
    });

  withOutput(noun.command('get'))
    .summary('show a plan again')
    .argument('<plan>', 'its id')
    .option('--full', 'show the content of new files too')
    .action(async (id: string, options: OutputOptions & { full?: boolean }) => {
      const { api } = await connect(terminal, options);
      await print(
        terminal,
        await answerOf(api.GET('/api/v1/plans/{plan}', { params: { path: { plan: id } } })),
        options,
      );
    });

  withRun(noun.command('execute'))
    .summary('run exactly what a plan showed')
    .argument('<plan>', 'its id; plans last an hour, as long as the cluster does not change')
    .action(async (id: string, options: RunOptions) => {
      const { api } = await connect(terminal, options);
      const plan = await answerOf(api.GET('/api/v1/plans/{plan}', { params: { path: { plan: id } } }));
      terminal.err(`${planText(plan.plan, { colours: terminal.colours, full: options.full })}\n`);
      await executePlan(api, terminal, plan, options);
    });
};

async function print(
  terminal: Terminal,
  plan: StoredPlan,
  options: OutputOptions & { readonly full?: boolean },
): Promise<void> {
  const human = ({ id, plan: view }: StoredPlan): string =>
    `${planText(view, { colours: terminal.colours, full: options.full })}\nRun it by "stackyard plan execute ${id}".\n`;
  await printOne(terminal, plan, { human, name: ({ id }) => id }, options.output);
}

async function requestOf(command: string | undefined, options: CreateOptions): Promise<CommandRequest> {
  if (options.file !== undefined) return (await readDocument(options.file)) as CommandRequest;
  const known = COMMANDS.find((one) => one === command);
  if (!known) throw new UsageError(`Say which command: ${COMMANDS.join(', ')}; or give one by --file.`);
  const target = {
    ...(options.service === undefined ? {} : { service: options.service }),
    ...(options.component === undefined ? {} : { component: options.component }),
    ...(options.host ? { hosts: options.host } : {}),
  };
  if (known === 'remove') return { command: known, target, data: options.deleteData ? 'delete' : 'keep' };
  return { command: known, target };
}
