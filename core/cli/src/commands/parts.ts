import type { Command } from 'commander';
import type { Api } from '../api/client.ts';
import { CliError, NotFoundError, UsageError } from '../errors.ts';
import { FORMATS, type Format, parseFormat } from '../output/print.ts';
import type { Terminal } from '../output/terminal.ts';
import { parseDuration } from '../output/time.ts';

/** A noun of the command line: builds its verbs when it is asked for. */
export type Noun = (command: Command, terminal: Terminal) => void;

export interface ServerOptions {
  readonly context?: string;
}
export interface OutputOptions extends ServerOptions {
  readonly output: Format;
}
export interface ClusterOptions extends ServerOptions {
  readonly cluster?: string;
}
export interface RunOptions extends ClusterOptions {
  readonly yes?: boolean;
  readonly detach?: boolean;
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly note?: string;
  readonly full?: boolean;
}

/** `--context`, on everything that speaks to a server. */
export function onServer(command: Command): Command {
  // A command that both runs and prints comes here twice.
  if (command.options.some(({ long }) => long === '--context')) return command;
  return command.option('--context <name>', 'the stored context to use');
}

/** `-o`, on everything that prints data. */
export function withOutput(command: Command): Command {
  return withFormat(onServer(command));
}

/** `-o` on what takes a server already. */
export function withFormat(command: Command): Command {
  return command.option('-o, --output <format>', `how to print: ${FORMATS.join(', ')}`, parseFormat, 'table');
}

export function withCluster(command: Command): Command {
  return command.option('-c, --cluster <name>', 'the cluster; not needed where there is only one');
}

/** What every command takes that plans first, asks, and then follows its job. */
export function withRun(command: Command): Command {
  return onServer(withCluster(command))
    .option('-y, --yes', 'do not ask; needed where nobody can be asked')
    .option('--detach', 'print the id of the job and do not follow it')
    .option('--wait', 'say nothing until the job has ended')
    .option('--timeout <duration>', 'stop following after this long, such as 90s or 10m', durationOption)
    .option('--note <text>', 'why, for the history')
    .option('--full', 'show the content of new files too');
}

export function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new UsageError(`${text} is no duration. Use one like 90s, 10m or 1h.`);
  return ms;
}

export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** A server, and the cluster that is meant. */
export interface Session {
  readonly api: Api;
  /** @throws UsageError when several clusters are possible and none is named. */
  readonly cluster: (named?: string) => Promise<string>;
}

/** Connects as the options and the environment say. */
export async function connect(terminal: Terminal, options: ServerOptions): Promise<Session> {
  const { chooseConnection } = await import('../connection/connection.ts');
  const { apiOf } = await import('../api/client.ts');
  const connection = await chooseConnection(terminal.env, options);
  const api = apiOf(connection);
  return { api, cluster: async (named) => named ?? connection.cluster ?? (await onlyCluster(api)) };
}

async function onlyCluster(api: Api): Promise<string> {
  const { allOf } = await import('../api/client.ts');
  const clusters = await allOf((query) => api.GET('/api/v1/clusters', { params: { query } }), { atMost: 10 });
  const [first, ...others] = clusters;
  if (!first) throw new NotFoundError('There is no cluster yet. Make one by "stackyard cluster create NAME".');
  if (others.length === 0) return first.name;
  const names = clusters.map(({ name }) => name).join(', ');
  throw new UsageError(`There are several clusters (${names}): say which by --cluster or STACKYARD_CLUSTER.`);
}

/** Asks a question on the terminal; what is not yes is no. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const aborted = new AbortController();
  reader.once('SIGINT', () => aborted.abort());
  reader.once('close', () => aborted.abort());
  try {
    const answer = await reader.question(`${terminal.colours.bold(question)} [y/N] `, { signal: aborted.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error;
    terminal.err('\n');
    return false;
  } finally {
    reader.close();
  }
}

/** A JSON or YAML file, or standard input as "-". @throws CliError */
export async function readDocument(file: string): Promise<unknown> {
  const { readFile } = await import('node:fs/promises');
  const { text } = await import('node:stream/consumers');
  let content: string;
  try {
    content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`);
  }
  try {
    const { parse } = await import('yaml');
    return parse(content);
  } catch (error) {
    throw new UsageError(
      `${file === '-' ? 'Standard input' : file} is neither JSON nor YAML: ${(error as Error).message.split('\n')[0]}`,
    );
  }
}
