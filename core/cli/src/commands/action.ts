import { type Api, answerOf } from '../api/client.ts';
import type { Action, CommandRequest } from '../api/types.ts';
import { readValue } from '../config/assignments.ts';
import { shown } from '../config/values.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import { readTasks } from '../jobs/follow.ts';
import { lastAttempt } from '../jobs/outcome.ts';
import { followToEnd } from '../jobs/run.ts';
import { planText } from '../output/plan.ts';
import { printData, printList, printOne, type View } from '../output/print.ts';
import { facts } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { duration } from '../output/time.ts';
import { executeAgreed, makePlan } from './execute.ts';
import {
  type ClusterOptions,
  collect,
  connect,
  type Noun,
  type OutputOptions,
  type RunOptions,
  withCluster,
  withFormat,
  withOutput,
  withRun,
} from './parts.ts';

interface RunActionOptions extends RunOptions, OutputOptions {
  readonly input?: string[];
  readonly on?: string[];
}

const OWNER = {
  name: '<service[/component]>',
  help: 'such as kafka, or kafka/broker where several components have it',
};

export const actions: Noun = (noun, terminal) => {
  withCluster(withOutput(noun.command('list')))
    .summary('list what the components of a service can be asked to do')
    .argument(OWNER.name, OWNER.help)
    .action(async (owner: string, options: OutputOptions & ClusterOptions) => {
      const { api, cluster } = await connect(terminal, options);
      await printList(terminal, await actionsOf(api, await cluster(options.cluster), owner), view, options.output);
    });

  withCluster(withOutput(noun.command('show')))
    .summary('show what an action does and asks for')
    .argument(OWNER.name, OWNER.help)
    .argument('<name>', 'its name')
    .action(async (owner: string, name: string, options: OutputOptions & ClusterOptions) => {
      const { api, cluster } = await connect(terminal, options);
      const action = await findAction(api, await cluster(options.cluster), { owner, name });
      await printOne(
        terminal,
        action,
        { human: (it) => actionText(it, terminal), name: (it) => it.name },
        options.output,
      );
    });

  withFormat(withRun(noun.command('run')))
    .summary('run an action and print what it gives back')
    .argument(OWNER.name, OWNER.help)
    .argument('<name>', 'its name')
    .option('--input <key=value>', 'what it asks for; may be repeated', collect)
    .option('--on <host>', 'only on this host; may be repeated', collect)
    .action(async (owner: string, name: string, options: RunActionOptions) => {
      const { api, cluster } = await connect(terminal, options);
      await runAction(api, terminal, { cluster: await cluster(options.cluster), owner, name, options });
    });
};

interface Named {
  readonly owner: string;
  readonly name: string;
}

async function runAction(
  api: Api,
  terminal: Terminal,
  { cluster, owner, name, options }: Named & { readonly cluster: string; readonly options: RunActionOptions },
): Promise<void> {
  const action = await findAction(api, cluster, { owner, name });
  const request: CommandRequest = {
    command: 'action',
    target: {
      service: ownerOf(owner).service,
      component: action.component,
      ...(options.on ? { hosts: options.on } : {}),
    },
    action: name,
    input: inputOf(action, options.input ?? []),
  };
  const plan = await makePlan(api, cluster, request);
  // What loses nothing is asked for by naming it; nobody has to say so twice.
  if (action.danger !== null) terminal.err(`${planText(plan.plan, { colours: terminal.colours })}\n`);
  const job = await executeAgreed(api, terminal, plan, { ...options, yes: options.yes || action.danger === null });
  if (options.detach) return terminal.out(`${job.id}\n`);
  await followToEnd(api, terminal, job.id, { quiet: options.wait, timeoutMs: options.timeout });
  await printResults(api, terminal, job.id, options);
}

/** What each host gave back, in the order of the plan. */
async function printResults(api: Api, terminal: Terminal, jobId: string, { output }: OutputOptions): Promise<void> {
  const results = [];
  for (const { id, host } of await readTasks(api, jobId)) {
    const attempt = await lastAttempt(api, id);
    results.push({ host, result: attempt?.result ?? null, note: attempt?.resultNote ?? null });
  }
  if (output === 'name') return terminal.out(`${jobId}\n`);
  if (output !== 'table') {
    await printData(terminal, results, output);
    return;
  }
  for (const { host, result, note } of results) {
    if (note !== null) terminal.err(`${host}: ${note} See it by "stackyard job logs ${jobId}".\n`);
    if (result === null) continue;
    const text = typeof result === 'string' ? result : JSON.stringify(result, undefined, 2);
    terminal.out(results.length === 1 ? `${text}\n` : `${terminal.colours.bold(host)}\n${text}\n`);
  }
}

/** Texts become what the type of each input asks for; whether a value is in range is for the server to say. */
export function inputOf(action: Action, given: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const text of given) {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--input ${text} gives nothing. Use key=value.`);
    const key = text.slice(0, at);
    const property = action.input.find(({ name }) => name === key);
    if (!property) {
      const known = action.input.map(({ name }) => name).join(', ');
      throw new UsageError(
        `${action.name} asks for no ${key}. ${known === '' ? 'It takes no input.' : `It takes ${known}.`}`,
      );
    }
    values[key] = readValue(text.slice(at + 1), { config: action.name, name: key, type: property.type });
  }
  return values;
}

function ownerOf(owner: string): { service: string; component: string | undefined } {
  const [service = '', component, ...rest] = owner.split('/');
  if (service === '' || component === '' || rest.length > 0)
    throw new UsageError(`${owner} names no service. Use service or service/component.`);
  return { service, component };
}

async function actionsOf(api: Api, cluster: string, owner: string): Promise<Action[]> {
  const { service, component } = ownerOf(owner);
  const { items } = await answerOf(
    api.GET('/api/v1/clusters/{cluster}/services/{service}/actions', { params: { path: { cluster, service } } }),
  );
  return items.filter((action) => component === undefined || action.component === component);
}

/** @throws NotFoundError, and UsageError where several components have one of this name. */
async function findAction(api: Api, cluster: string, { owner, name }: Named): Promise<Action> {
  const all = await actionsOf(api, cluster, owner);
  const [action, other] = all.filter((each) => each.name === name);
  if (!action) {
    const known = all.map((each) => each.name).join(', ');
    throw new NotFoundError(`${owner} has no action ${name}. ${known === '' ? 'It has none.' : `It has ${known}.`}`);
  }
  if (other) {
    const { service } = ownerOf(owner);
    throw new UsageError(
      `Several components have ${name}: say ${service}/${action.component} or ${service}/${other.component}.`,
    );
  }
  return action;
}

const view: View<Action> = {
  columns: ({ red }) => [
    { title: 'COMPONENT', cell: ({ component }) => component },
    { title: 'ACTION', cell: ({ name }) => name },
    { title: 'RUNS ON', cell: ({ on }) => (on === 'each' ? 'each host' : 'one host') },
    {
      title: 'INPUT',
      cell: ({ input }) => input.map(({ name, required }) => (required ? name : `[${name}]`)).join(' ') || '-',
    },
    { title: 'WHAT IT DOES', cell: ({ help, danger }) => (danger === null ? help : `${help} ${red('(dangerous)')}`) },
  ],
  name: ({ name }) => name,
  none: 'There is no action: the stack declares none.',
};

function actionText(action: Action, { colours }: Terminal): string {
  const { component, name, title, help, on, danger, timeoutSeconds, input } = action;
  const head = facts(
    [
      ['Action', `${component} ${name}`],
      ['Title', title],
      ['What it does', help],
      ['Runs on', on === 'each' ? 'each host that runs it' : 'one host: the first that runs it'],
      ['May take', duration(timeoutSeconds * 1000)],
      ...(danger === null ? [] : [['May lose', colours.red(danger)] as const]),
    ],
    colours.dim,
  );
  if (input.length === 0) return `${head}\nIt takes no input.\n`;
  return `${head}\n${facts(
    input.map((each) => [`--input ${each.name}=`, `${each.help} (${traitsOf(each)})`] as const),
    colours.dim,
  )}`;
}

function traitsOf({ type, required, default: value, unit, min, max, values }: Action['input'][number]): string {
  return [
    values ? values.join(' | ') : type,
    ...(unit === null ? [] : [`in ${unit}`]),
    ...(min === null ? [] : [`at least ${min}`]),
    ...(max === null ? [] : [`at most ${max}`]),
    required ? 'needed' : value === null ? 'may be left out' : `${shown(value)} unless given`,
  ].join(', ');
}
