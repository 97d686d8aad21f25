import { concat, defineConfig, div, each, fact, max, min, own, p, self } from '@stackyard/sdk';

/** The component by name: its config lists its members, so one of them has to be named before the other is there. */
export const SERVER = { name: 'redis_server' };

/** A quarter of the host's memory, between 64 MiB and 4 GiB. */
const suitableMemory = max(64, min(4096, div(fact.memory, 4 * 1024 ** 2)));

export const conf = defineConfig(
  'redis.conf',
  {
    port: p.port(6379).help('Port that clients connect to'),
    protectedMode: p.bool(true).help('Whether it answers programs of its own machine alone'),
    dataDir: p.dir('/var/lib/redis-stack').pinned().help('Where snapshots and the append-only file are kept'),
    memory: p
      .memory(suitableMemory)
      .min(16)
      .advise({ min: 64 })
      .help('Memory for values; clients and copies of a snapshot take more'),
    eviction: p
      .enum(['noeviction', 'allkeys-lru', 'allkeys-lfu', 'volatile-lru', 'volatile-ttl'], 'noeviction')
      .help('What is dropped when the memory is full'),
    appendOnly: p.bool(true).help('Whether every change is written to the append-only file'),
    sync: p
      .enum(['always', 'everysec', 'no'], 'everysec')
      .when(own('appendOnly'))
      .help('When changes are forced to disk'),
    saveAfter: p.int(300).min(1).unit('s').help('How old a change may become before it is in a snapshot'),
    primary: p
      .text(each(SERVER, concat(self.address, ' ', own('port')), { only: 'staying', first: true }))
      .pattern(/\S+ \d+/)
      .effect('reload')
      .help('Address and port of the member that takes writes; the lowest ordinal that stays unless given'),
  },
  { title: 'Server', format: 'text', effect: 'rolling' },
);
