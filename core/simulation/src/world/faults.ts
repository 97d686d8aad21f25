import type { Fault } from '../scenario/scenario.ts';
import type { Tables } from './rows.ts';
import type { Shelf } from './shelf.ts';
import type { World } from './world.ts';

interface Backup {
  readonly tables: Tables;
  readonly logs: ReturnType<Shelf['backup']>;
}

/** Lets the faults of a scenario happen, each at its time; none lasts longer than the time for faults. */
export function scheduleFaults(world: World): void {
  const { timeline, scenario, database } = world;
  for (const fault of scenario.faults) {
    let backup: Backup | undefined;
    if (fault.kind === 'restore') {
      timeline.after(fault.at - fault.backMs, () => {
        backup = { tables: database.backup(), logs: world.shelf.backup() };
      });
    }
    timeline.after(fault.at, () => {
      world.trace.note('FAULT', JSON.stringify(fault));
      happen(world, fault, backup);
    });
  }
}

function happen(world: World, fault: Fault, backup: Backup | undefined): void {
  const { timeline, scenario, database } = world;
  const leftMs = Math.max(0, scenario.faultyMs - timeline.now);
  const forMs = Math.min('forMs' in fault ? fault.forMs : 0, leftMs);
  if ('host' in fault) world.disturb(fault.host);
  switch (fault.kind) {
    case 'agentCrash':
      return agentDown(world, fault.host, forMs, () => fault.runner && world.hosts[fault.host]!.killRunner());
    case 'agentStop':
      // What it has to see to it can see to only from then on.
      timeline.after(forMs, () => world.disturb(fault.host));
      return world.agents[fault.host]!.process.stop(forMs);
    case 'reboot':
      return agentDown(world, fault.host, forMs, () => world.hosts[fault.host]!.reboot());
    case 'hostGone':
      world.gone.add(fault.host);
      return world.killAgent(fault.host);
    case 'spoolDeleted':
      return agentDown(world, fault.host, forMs, () => world.hosts[fault.host]!.deleteSpool());
    case 'diskFull': {
      const { spool } = world.hosts[fault.host]!;
      spool.full = true;
      timeline.after(forMs, () => {
        spool.full = false;
      });
      return;
    }
    case 'runnerKill':
      return world.hosts[fault.host]!.killRunner();
    case 'streamBreak':
      return world.hosts[fault.host]!.link.cut();
    case 'slow':
      return world.hosts[fault.host]!.link.slow(fault.factor, forMs);
    case 'partition':
      for (const host of fault.hosts) {
        world.disturb(host);
        world.hosts[host]!.link.partition(fault.way === 'both' ? ['up', 'down'] : [fault.way], forMs);
      }
      return;
    case 'serverCrash':
      return serverDown(world, forMs, () => {
        if (fault.power) world.shelf.losePower(world.random);
      });
    case 'serverStop': {
      const newest = world.servers.at(-1);
      for (const server of world.servers) server.process.stop(forMs);
      timeline.after(forMs, () => {
        // One that was started meanwhile has heard everybody.
        if (world.servers.at(-1) === newest) world.wasDeaf(forMs);
      });
      return;
    }
    case 'secondServer':
      return world.startSecondServer();
    case 'databaseDown':
      return database.down(forMs);
    case 'restore':
      return serverDown(world, forMs, () => {
        if (!backup) return;
        database.restore(backup.tables);
        if (fault.logs) world.shelf.restore(backup.logs);
        world.observer.see({ kind: 'restored' });
      });
  }
}

function agentDown(world: World, host: number, forMs: number, meanwhile: () => unknown = () => undefined): void {
  const dead = world.agents[host]!;
  world.killAgent(host);
  meanwhile();
  world.timeline.after(forMs, () => {
    // Another fault may have started it again meanwhile.
    if (world.agents[host] === dead && !world.gone.has(host)) world.startAgent(host);
  });
}

function serverDown(world: World, forMs: number, meanwhile: () => void = () => undefined): void {
  world.killServers();
  meanwhile();
  world.timeline.after(forMs, () => {
    if (world.servers.length === 0) world.startServer();
  });
}
