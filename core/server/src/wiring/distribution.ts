import { join } from 'node:path';
import { definePlugin, provide, token } from '@stackyard/kernel';
import type { Bundles } from '../agents/bundles.ts';
import { BundleImports } from '../bundles/imports.ts';

import type { PackageRepository } from '../packages/index.ts';
import { type Freshness, freshnessOf } from '../registries/freshness.ts';
import { Registries } from '../registries/index.ts';
import { Deliveries } from '../stacks/deliveries.ts';
import { AgentBundles } from './agentSoftware.ts';
import { Catalogue } from './catalogue.ts';
import { ServerOptions } from './options.ts';

/** How stacks come here and go elsewhere: registries, what is sent, and bundles. */
export interface Distribution {
  readonly registries: Registries;
  readonly deliveries: Deliveries;
  readonly bundleImports: BundleImports;
  readonly agentBundles: Bundles;
  readonly packages: () => PackageRepository;
  /** Asks the registries about what is installed, and takes down what is deprecated by now. */
  readonly freshness: (signal: AbortSignal) => Promise<Freshness[]>;
}
export const Distribution = token<Distribution>('server.Distribution');

class ServerDistribution implements Distribution {
  readonly registries: Registries;
  readonly deliveries: Deliveries;
  readonly bundleImports: BundleImports;
  readonly agentBundles: Bundles;
  readonly packages: () => PackageRepository;
  readonly freshness: (signal: AbortSignal) => Promise<Freshness[]>;

  constructor({ dataDir, registries = [] }: ServerOptions, catalogue: Catalogue, { bundles }: AgentBundles) {
    const { stacks } = catalogue;
    const dir = join(dataDir, 'deliveries');
    this.registries = new Registries({ registries, dir });
    this.deliveries = new Deliveries({ stacks, registries: this.registries, dir });
    this.agentBundles = bundles;
    this.packages = () => catalogue.packages;
    this.bundleImports = new BundleImports({
      dir: join(dataDir, 'bundles'),
      stacks,
      packages: this.packages,
      agents: bundles,
      java: catalogue.javaRuntime,
    });
    this.freshness = async (signal) => {
      const found = await freshnessOf(await stacks.list(), this.registries, signal);
      for (const { name, deprecated, problem } of found) if (problem === null) await stacks.deprecate(name, deprecated);
      return found;
    };
  }

  /** Nobody asks any more for what a server before this one had begun. */
  async clear(): Promise<void> {
    await Promise.all([this.deliveries.clear(), this.bundleImports.clear()]);
  }
}
provide(ServerDistribution, ServerOptions, Catalogue, AgentBundles);

export const distributionPlugin = definePlugin({
  id: 'server.distribution',
  needs: [ServerOptions, Catalogue, AgentBundles],
  register: (plugin) => plugin.provide(Distribution, ServerDistribution),
  start: (plugin) => (plugin.resolve(Distribution) as ServerDistribution).clear(),
});
