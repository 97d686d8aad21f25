import {
  command,
  defineComponent,
  defineConfig,
  defineService,
  defineStack,
  each,
  exec,
  hostPorts,
  osPackages,
  p,
  rolling,
  self,
  tcp,
} from '@stackyard/sdk';
import { actions } from './actions.ts';
import { conf, SERVER } from './conf.ts';
import { check, drain, settle } from './replication.ts';

export { conf };

export const server = defineComponent(SERVER.name, {
  title: 'Redis Server',
  category: 'server',
  cardinality: '1+',
  config: [conf],
  process: exec({ program: '/usr/bin/redis-server', args: [conf.path], ready: tcp(conf.port) }),
  health: {
    answers: command('redis-cli', ['-e', '-h', self.address, '-p', conf.port, 'ping']),
  },
  lifecycle: { check, reload: settle },
  timeouts: { check: 120, reload: 120 },
  decommission: { drain, timeout: 300 },
  actions,
  upgrade: rolling(),
});

const clientScript = defineConfig(
  'redis-primary.sh',
  {
    primary: p
      .text(each(server, conf.primary, { first: true }))
      .pattern(/\S+ \d+/)
      .help('Address and port of the member that it talks to'),
  },
  { title: 'Command line', format: 'text', mode: 0o755, effect: 'none' },
);

export const client = defineComponent('redis_client', {
  title: 'Redis Client',
  category: 'client',
  cardinality: '0+',
  config: [clientScript],
});

const redis = defineService('redis', {
  title: 'Redis',
  description: 'Keeps values in memory, on a primary and its replicas',
  version: '7.0.15',
  user: 'redis',
  license: 'BSD-3-Clause',
  requires: [osPackages({ debian: ['redis-server'] })],
  components: [server, client],
  exports: { servers: hostPorts(server, conf.port) },
  upgrade: { from: '>=7.0', backTo: '>=7.0' },
});
export default defineStack({ services: [redis] });
