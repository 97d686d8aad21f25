import { action, until } from '@stackyard/sdk';
import { ask, info, primaryOf } from './ask.ts';

export const actions = {
  save: action({
    title: 'Save',
    help: 'Writes a snapshot beside the work and waits until it is on disk',
    on: 'each',
    timeout: 3600,
    idempotent: true,
    run: async (host) => {
      const before = await ask(host, host.self, 'lastsave');
      await ask(host, host.self, 'bgsave', 'schedule');
      return until(host, async () => {
        const now = await info(host, host.self, 'persistence');
        if (now['rdb_last_bgsave_status'] !== 'ok') throw new Error(`${host.self.host} cannot write its snapshot.`);
        if (now['rdb_bgsave_in_progress'] !== '0' || now['rdb_last_save_time'] === before)
          throw new Error(`${host.self.host} still writes its snapshot.`);
        return { savedAt: Number(now['rdb_last_save_time']) };
      });
    },
  }),
  report: action({
    title: 'Report',
    help: 'What each server says of itself',
    on: 'each',
    idempotent: true,
    run: async (host) => {
      const said = Object.assign({}, ...(await Promise.all(SECTIONS.map((section) => info(host, host.self, section)))));
      return Object.fromEntries(TOLD.map((name) => [name, said[name] ?? null]));
    },
  }),
  flush: action({
    title: 'Flush',
    help: 'Forgets all values, on the primary and its replicas',
    danger: 'All values of this Redis are lost',
    run: async (host) => void (await ask(host, primaryOf(host), 'flushall')),
  }),
};

const SECTIONS = ['server', 'clients', 'memory', 'persistence', 'replication', 'stats'];
const TOLD = [
  'redis_version',
  'uptime_in_seconds',
  'connected_clients',
  'used_memory_human',
  'rdb_last_bgsave_status',
  'aof_enabled',
  'role',
  'master_link_status',
  'connected_slaves',
  'keyspace_hits',
  'keyspace_misses',
];
