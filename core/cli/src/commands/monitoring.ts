import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '../api/client.ts';
import { CliError, UsageError } from '../errors.ts';
import { Promtool } from '../monitoring/promtool.ts';
import { reload, syncOnce } from '../monitoring/sync.ts';
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
  /** A reload that failed is tried again, although the files are in place. */
  #toReload = false;
  #told = '';

  constructor(connection: Connection, flags: SyncFlags, terminal: Terminal) {
    this.#connection = connection;
    this.#flags = flags;
    this.#terminal = terminal;
    this.#promtool = new Promtool(flags.promtool);
  }

  /** @throws CliError when something was refused or cannot be done; the rest is done all the same */
  async once(): Promise<void> {
    const { rules, dashboards } = await syncOnce(this.#connection, { ...this.#flags, promtool: this.#promtool });
    for (const file of [...rules.written, ...dashboards.written]) this.#terminal.out(`wrote ${file}\n`);
    for (const file of [...rules.removed, ...dashboards.removed]) this.#terminal.out(`removed ${file}\n`);
    this.#toReload ||= rules.written.length + rules.removed.length > 0;
    if (this.#toReload && this.#flags.reloadUrl !== undefined) {
      await reload(this.#flags.reloadUrl);
      this.#terminal.out(`reloaded ${this.#flags.reloadUrl}\n`);
    }
    this.#toReload = false;
    const refused = [...rules.refused, ...dashboards.refused];
    if (refused.length > 0)
      throw new CliError(`Not taken:\n${refused.map(({ file, why }) => `${file}: ${why}`).join('\n')}`);
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
