import { HostJoining, Records, Routes } from '@stackyard/contract';
import { definePlugin, Logger } from '@stackyard/kernel';
import { BootstrapRoutes, SshRuns } from './routes.ts';
import { Runs } from './runs.ts';

/** Brings hosts in over SSH: `POST /bootstraps` and what belongs to it. */
export default definePlugin({
  id: 'ssh',
  needs: [HostJoining, Records, Logger],
  register: (plugin) => plugin.provide(SshRuns, Runs).contribute(Routes, BootstrapRoutes),
  async start(plugin) {
    const runs = plugin.resolve(SshRuns);
    await runs.recover();
    return () => runs.stop();
  },
});
