import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '../api/client.ts';
import { CliError, UsageError } from '../errors.ts';
import type { Changes } from '../monitoring/ownFiles.ts';
import { Promtool } from '../monitoring/promtool.ts';
import { reloadRules, syncDashboards, syncRules } from '../monitoring/sync.ts';
import type { Terminal } from '../output/terminal.ts';
import { connect, durationOption, type Noun, onServer, type ServerOptions } from './parts.ts';

interface SyncFlags extends ServerOptions {
  readonly rulesDir?: string;
  readonly dashboardsDir?: string;
  readonly cluster?: string;
  readonly reloadUrl?: string;
  readonly promtool: string;
  readonly watch?: number | true;
}

const EVERY_MS = 30_000;

export const monitoring: Noun = (noun, terminal) => {
  onServer(noun.command('sync'))
    .summary('keep the files of a Prometheus and a Grafana like what the stacks ship')
    .option('--rules-dir <folder>', 'of rule_files; files are called stackyard.CLUSTER.SERVICE.yml')
    .option('--dashboards-dir <folder>', 'that Grafana provisions from')
    .option('-c, --cluster <name>', 'only of this cluster; files of others stay')
    .option('--reload-url <url>', 'is sent a POST after a change, such as http://127.0.0.1:9090/-/reload')
    .option('--promtool <program>', 'checks rules before they are put in place, where it is installed', 'promtool')
    .option('--watch [duration]', 'go on, and look every 30s or as often as this says', durationOption)
    .action(async (flags: SyncFlags) => {
      if (flags.rulesDir === undefined && flags.dashboardsDir === undefined)
        throw new UsageError('Nothing to keep: give --rules-dir, --dashboards-dir, or both.');
      const { api } = await connect(terminal, flags);
      const sync = new Sync(api.connection, flags, terminal);
      if (flags.watch === undefined) await sync.once();
      else await sync.onAndOn(flags.watch === true ? EVERY_MS : flags.watch);
    });
};

class Sync {
  readonly #connection: Connection;
  readonly #flags: SyncFlags;
  readonly #terminal: Terminal;
  readonly #promtool: Promtool;
  #told = '';

  constructor(connection: Connection, flags: SyncFlags, terminal: Terminal) {
    this.#connection = connection;
    this.#flags = flags;
    this.#terminal = terminal;
    this.#promtool = new Promtool(flags.promtool);
  }

  /** @throws CliError when something was refused or cannot be done; the rest is done all the same */
  async once(): Promise<void> {
    const troubles: CliError[] = [];
    for (const part of [() => this.#rules(), () => this.#dashboards()])
      await part().catch((error: unknown) => {
        if (!(error instanceof CliError)) throw error;
        troubles.push(error);
      });
    const [first] = troubles;
    if (!first) return;
    const told = new Set(troubles.map(({ message }) => message));
    throw told.size === 1 ? first : new CliError([...told].join('\n'), first.exitCode, { cause: first });
  }

  async #rules(): Promise<void> {
    const { rulesDir, reloadUrl, cluster } = this.#flags;
    if (rulesDir === undefined) return;
    const changes = await syncRules(this.#connection, rulesDir, { cluster, promtool: this.#promtool });
    this.#tell(changes);
    const changed = changes.written.length + changes.removed.length > 0;
    if (reloadUrl !== undefined && (await reloadRules(rulesDir, reloadUrl, { changed })))
      this.#terminal.out(`reloaded ${reloadUrl}\n`);
    refuse(changes);
  }

  async #dashboards(): Promise<void> {
    const { dashboardsDir, cluster } = this.#flags;
    if (dashboardsDir === undefined) return;
    const changes = await syncDashboards(this.#connection, dashboardsDir, { cluster });
    this.#tell(changes);
    refuse(changes);
  }

  #tell({ written, removed }: Changes): void {
    for (const file of written) this.#terminal.out(`wrote ${file}\n`);
    for (const file of removed) this.#terminal.out(`removed ${file}\n`);
  }

  /** Until SIGTERM or SIGINT. What goes wrong is told once, and tried again. */
  async onAndOn(everyMs: number): Promise<void> {
    const ended = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.abort());
    while (!ended.signal.aborted) {
      const trouble = await this.once().then(
        () => '',
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      if (trouble !== '' && trouble !== this.#told) this.#terminal.err(`${trouble}\n`);
      this.#told = trouble;
      await delay(everyMs, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  }
}

/** @throws CliError with what was not taken, and why */
function refuse({ refused }: Changes): void {
  if (refused.length > 0)
    throw new CliError(`Not taken:\n${refused.map(({ file, why }) => `${file}: ${why}`).join('\n')}`);
}
