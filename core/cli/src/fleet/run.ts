import { type Fleet, type FleetStats, startFleet } from '@stackyard/fleet';
import { type Api, answerOf } from '../api/client.ts';
import { connect, type ServerOptions } from '../commands/parts.ts';
import type { Terminal } from '../output/terminal.ts';
import { live } from '../output/live.ts';
import { bytes } from '../output/time.ts';
import type { FakeExecution } from '@stackyard/fleet';
import { removeSimulated } from './remove.ts';

export interface FleetFlags extends ServerOptions {
  readonly agents: number;
  readonly prefix: string;
  readonly durations: Pick<FakeExecution, 'duration' | 'phases'>;
  readonly failures: NonNullable<FakeExecution['failures']>;
  readonly lines: number;
  readonly seed: number;
  readonly remove?: boolean;
  readonly json?: boolean;
}

const TOKENS_AT_A_TIME = 500;
const TTL_SECONDS = 3_600;
const JOINS_AT_A_TIME = 32;
/** How often a line is written where nothing can be drawn. */
const LINE_MS = 10_000;

/** Runs simulated agents until SIGTERM or SIGINT. @returns the exit code */
export async function runFleet(flags: FleetFlags, terminal: Terminal): Promise<number> {
  const { api } = await connect(terminal, flags);
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stopping.abort());
  if (flags.agents > 0) await simulate(api, flags, { terminal, signal: stopping.signal });
  if (flags.remove) {
    const removed = await removeSimulated(api, flags.prefix, (said) => terminal.err(`${said}\n`));
    terminal.err(`${removed} simulated hosts are forgotten.\n`);
  }
  return 0;
}

async function simulate(
  api: Api,
  flags: FleetFlags,
  { terminal, signal }: { readonly terminal: Terminal; readonly signal: AbortSignal },
): Promise<void> {
  const names = Array.from({ length: flags.agents }, (_, index) => `${flags.prefix}${index + 1}`);
  let joined = 0;
  let fleet: Fleet | undefined;
  const show = progress(terminal, () => (fleet ? working(fleet.stats()) : `${joined} of ${names.length} have joined`));
  try {
    const { tokens, enrolment } = await tokensFor(api, names);
    fleet = await startFleet({
      enrolment,
      agents: names.length,
      join: tokens,
      hostName: (index) => names[index] ?? '',
      executor: { ...flags.durations, failures: flags.failures, lines: flags.lines },
      seed: flags.seed,
      concurrency: JOINS_AT_A_TIME,
      onJoined: (count) => (joined = count),
      signal,
    });
    await ended(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    show.end();
    const stats = fleet?.stats();
    await fleet?.stop();
    if (stats) terminal.out(flags.json ? `${JSON.stringify(stats)}\n` : `${summary(stats)}\n`);
  }
}

async function tokensFor(api: Api, names: readonly string[]) {
  const tokens: string[] = [];
  let enrolment = { endpoint: '', caSha256: '' };
  for (let from = 0; from < names.length; from += TOKENS_AT_A_TIME) {
    const hostNames = names.slice(from, from + TOKENS_AT_A_TIME);
    const made = await answerOf(
      api.POST('/api/v1/hosts/tokens/batch', { body: { hostNames, ttlSeconds: TTL_SECONDS } }),
    );
    tokens.push(...made.tokens.map(({ token }) => token));
    enrolment = { endpoint: made.enrolment, caSha256: made.authoritySha256 };
  }
  return { tokens, enrolment };
}

/** One line that is drawn again and again, or written now and then. */
function progress(terminal: Terminal, line: () => string): { end(): void } {
  if (terminal.errIsTerminal) {
    const drawn = live(terminal, (spinner) => [`${spinner} ${line()}`]);
    return { end: () => drawn.end({ erase: true }) };
  }
  const timer = setInterval(() => terminal.err(`${line()}\n`), LINE_MS);
  return { end: () => clearInterval(timer) };
}

function working({ agents, connected, ...tasks }: FleetStats): string {
  return `${connected} of ${agents} connected · ${counts(tasks)} · ${bytes(process.memoryUsage.rss())}`;
}

function summary({ agents, connections, ...tasks }: FleetStats): string {
  return `${agents} simulated agents, connected ${connections} times; ${counts(tasks)}`;
}

function counts({
  started,
  succeeded,
  failed,
  killed,
}: Pick<FleetStats, 'started' | 'succeeded' | 'failed' | 'killed'>) {
  return `${started} tasks, of them ${succeeded} done, ${failed} failed, ${killed} ended`;
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
