import { join } from 'node:path';
import { definePlugin, Logger, provide, token } from '@stackyard/kernel';
import { checkManifest } from '@stackyard/planner';
import type { StackManifest } from '@stackyard/sdk/manifest';
import { PackageRepository } from '../packages/index.ts';
import { StackConflictError, StackRefusedError } from '../stacks/errors.ts';
import { DatabaseStackStore, type StackStore } from '../stacks/store.ts';
import { ServerOptions } from './options.ts';
import { Storage } from './storage.ts';

/** What can be installed: stacks, and the archives of the products they describe. */
export interface Catalogue {
  readonly stacks: StackStore;
  readonly packages: PackageRepository;
}
export const Catalogue = token<Catalogue>('server.Catalogue');

class DiskCatalogue implements Catalogue {
  readonly stacks: StackStore;
  readonly #dir: string;
  readonly #origin: ServerOptions['packages'];
  #packages: PackageRepository | undefined;

  constructor(options: ServerOptions, storage: Storage) {
    this.#dir = options.dataDir;
    this.#origin = options.packages;
    this.stacks = new DatabaseStackStore({
      em: storage.em,
      transactions: { run: (work) => storage.writer.run(work) },
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

/** What services run from stays as it is: a rebuilt stack must not keep a server from starting. */
async function installAtStart({ stacks }: Catalogue, file: string, log: Logger): Promise<void> {
  try {
    const { name, version } = await stacks.install(file);
    log.info({ stack: name, version }, 'Stack is installed');
  } catch (error) {
    if (!(error instanceof StackConflictError)) throw error;
    log.warn({ ...error.fields, reason: error.message }, 'A stack is kept as its services run it');
  }
}

export const cataloguePlugin = definePlugin({
  id: 'server.catalogue',
  needs: [ServerOptions, Storage, Logger],
  register: (plugin) => plugin.provide(Catalogue, DiskCatalogue),
  async start(plugin) {
    const catalogue = plugin.resolve(Catalogue) as DiskCatalogue;
    await catalogue.open();
    for (const file of plugin.resolve(ServerOptions).stacks)
      await installAtStart(catalogue, file, plugin.resolve(Logger));
  },
});
