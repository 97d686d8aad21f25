import { join } from 'node:path';
import { definePlugin, Logger, provide, token } from '@stackyard/kernel';
import { checkManifest } from '@stackyard/planner';
import { defaultJavaRuntime, type PackageManifest, type StackManifest } from '@stackyard/sdk/manifest';
import type { Transactions } from '../engine/ports.ts';
import { PackageRepository } from '../packages/index.ts';
import { StackConflictError, StackRefusedError } from '../stacks/errors.ts';
import { DatabaseStackStore, type StackStore } from '../stacks/store.ts';
import { StackUntrustedError } from '../trust/errors.ts';
import { Trust } from '../trust/trust.ts';
import { ServerOptions } from './options.ts';
import { Storage } from './storage.ts';

/** What can be installed: stacks, and the archives of the products they describe. */
export interface Catalogue {
  readonly stacks: StackStore;
  readonly trust: Trust;
  readonly packages: PackageRepository;
  /** What hosts get whose own JDKs do not suit a service. */
  readonly javaRuntime: PackageManifest | undefined;
}
export const Catalogue = token<Catalogue>('server.Catalogue');

class DiskCatalogue implements Catalogue {
  readonly stacks: StackStore;
  readonly trust: Trust;
  readonly javaRuntime: PackageManifest | undefined;
  readonly #dir: string;
  readonly #origin: Omit<ServerOptions['packages'], 'javaRuntime'>;
  #packages: PackageRepository | undefined;

  constructor(options: ServerOptions, storage: Storage) {
    this.#dir = options.dataDir;
    const { javaRuntime, ...origin } = options.packages;
    this.#origin = origin;
    // The usual one has no url: where only those are asked, plans have to say so, and not tasks.
    this.javaRuntime = javaRuntime ?? (origin.origin === 'url' ? undefined : defaultJavaRuntime);
    const { em } = storage;
    const transactions: Transactions = { run: (work) => storage.writer.run(work) };
    this.trust = new Trust({ em, transactions });
    this.stacks = new DatabaseStackStore({
      em,
      transactions,
      trust: this.trust,
      dir: join(options.dataDir, 'artifacts'),
      check: refuseFaulty,
    });
  }

  get packages(): PackageRepository {
    if (!this.#packages) throw new Error('The package repository is used before its plugin has started.');
    return this.#packages;
  }

  async open(): Promise<void> {
    this.#packages = await PackageRepository.open({ dir: join(this.#dir, 'packages'), ...this.#origin });
  }
}
provide(DiskCatalogue, ServerOptions, Storage);

function refuseFaulty(manifest: StackManifest): void {
  const errors = checkManifest(manifest);
  if (errors.length > 0) throw new StackRefusedError({ name: `${manifest.name}@${manifest.version}`, errors });
}

/** What services run from stays as it is: neither a rebuilt stack nor a revoked key keeps a server from starting. */
async function installAtStart({ stacks }: Catalogue, file: string, log: Logger): Promise<void> {
  try {
    const { name, version } = await stacks.install({
      file,
      origin: 'configuration',
      source: file,
      by: 'configuration',
    });
    log.info({ stack: name, version }, 'Stack is installed');
  } catch (error) {
    const isKept =
      error instanceof StackConflictError ||
      (error instanceof StackUntrustedError && (await isInstalled(stacks, error.fields.digest)));
    if (!isKept) throw error;
    log.warn({ ...error.fields, reason: error.message }, 'A stack is kept as it is installed');
  }
}

async function isInstalled(stacks: StackStore, digest: string): Promise<boolean> {
  return (await stacks.list()).some((stack) => stack.digest === digest);
}

async function warnOfPolicy({ trust }: Catalogue, log: Logger): Promise<void> {
  if ((await trust.policy()) !== 'any') return;
  log.warn(
    { policy: 'any' },
    'This server takes stacks from anybody, signed or not: what is in them runs on its hosts. It is meant for development; "stackyard trust set signed" ends it',
  );
}

export const cataloguePlugin = definePlugin({
  id: 'server.catalogue',
  needs: [ServerOptions, Storage, Logger],
  register: (plugin) => plugin.provide(Catalogue, DiskCatalogue),
  async start(plugin) {
    const catalogue = plugin.resolve(Catalogue) as DiskCatalogue;
    await catalogue.open();
    await catalogue.stacks.sweep();
    await warnOfPolicy(catalogue, plugin.resolve(Logger));
    for (const file of plugin.resolve(ServerOptions).stacks)
      await installAtStart(catalogue, file, plugin.resolve(Logger));
  },
});
