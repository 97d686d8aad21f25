import { action, alert, dashboard, defineComponent, defineConfig, definePackage, defineService } from '@stackyard/sdk';
import { concat, defineStack, div, fact, type Host, hostPorts, http, java, jdk, jsonPath, min } from '@stackyard/sdk';
import { p, panel, profile, prometheus, role, rolling, self, set, tcp, until } from '@stackyard/sdk';

export const zooCfg = defineConfig(
  'zoo.cfg',
  {
    clientPort: p.port(2181).help('Port that clients connect to'),
    quorumPort: p.port(2888).help('Port on which members follow their leader'),
    electionPort: p.port(3888).help('Port on which members elect their leader'),
    dataDir: p.dir('/var/lib/zookeeper').pinned().help('Snapshots, transaction logs and myid'),
    tickTime: p.duration(2000).min(100).max(60_000).help('Length of one tick, the unit of the limits below'),
    initLimit: p.int(10).min(1).max(1000).unit('ticks').help('How long a member may take to join its leader'),
    syncLimit: p.int(5).min(1).max(1000).unit('ticks').help('How far a member may fall behind its leader'),
    maxClientCnxns: p.int(60).min(0).help('Connections per client address; 0 for no limit'),
    snapRetainCount: p.int(3).min(3).key('autopurge.snapRetainCount').help('Snapshots that purging keeps'),
    purgeInterval: p.int(24).min(0).key('autopurge.purgeInterval').help('Hours between purges; 0 for never'),
    fourLetterWords: p.list(['srvr', 'mntr', 'ruok']).key('4lw.commands.whitelist').help('Four letter words answered'),
    adminPort: p.port(9393).key('admin.serverPort').help('Admin server, used by health checks'),
    metricsPort: p.port(7000).key('metricsProvider.httpPort').help('Prometheus endpoint'),
    extra: p.map({}).help('Further settings of zoo.cfg, written as they are'),
  },
  { title: 'Server', effect: 'rolling' },
);

/** A 32nd of the host's memory, in MiB. */
const suitable = min(1024, div(fact.memory, 32 * 1024 * 1024));
export const zooEnv = defineConfig(
  'zookeeper-env',
  {
    heap: p.memory(suitable).min(48).help('Heap of a server'),
    jvmOptions: p.list(['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xss512k']).help('Options of the JVM'),
  },
  { title: 'Java', file: false, effect: 'rolling' },
);

const level = p.enum(['ERROR', 'WARN', 'INFO', 'DEBUG'], 'INFO').help('What is logged; read again every half minute');
export const logback = defineConfig('logback.xml', { level }, { title: 'Logging', effect: 'none' });
/** The command line client, ready to run on every host that has the client component. */
const zkCli = defineConfig('zkcli.sh', {}, { title: 'Client', format: 'text', mode: 0o755, effect: 'none' });
const monitor = (host: Host) => host.fetchJson(host.get(zooCfg.adminPort), '/commands/monitor');

export const server = defineComponent('zookeeper_server', {
  title: 'ZooKeeper Server',
  category: 'server',
  cardinality: '1+',
  prefer: 'odd',
  config: [zooCfg, zooEnv, logback],
  process: java({
    main: 'org.apache.zookeeper.server.quorum.QuorumPeerMain',
    jvm: [concat('-Xmx', zooEnv.heap, 'm'), zooEnv.jvmOptions, concat('-Dlogback.configurationFile=', logback.path)],
    args: [zooCfg.path],
    ready: tcp(zooCfg.clientPort),
    stopMs: 30_000,
  }),
  files: [{ in: zooCfg.dataDir, name: 'myid', content: self.ordinal }],
  role: jsonPath(http(zooCfg.adminPort, '/commands/monitor'), 'server_state'),
  lifecycle: { check: inQuorum },
  timeouts: { check: 120 },
  health: { port: tcp(zooCfg.clientPort), ruok: http(zooCfg.adminPort, '/commands/ruok') },
  metrics: prometheus(zooCfg.metricsPort, {
    'Average latency (ms)': 'avg_latency',
    'Outstanding requests': 'outstanding_requests',
    'Open connections': 'num_alive_connections',
  }),
  actions: { report: action({ title: 'Report', help: 'What a member says of itself', on: 'each', run: monitor }) },
  links: { 'Admin server': http(zooCfg.adminPort, '/commands') },
  upgrade: rolling({ last: role('leader') }),
});

/** A server that lost its quorum still answers on its port; only what it says of itself tells. */
async function inQuorum(host: Host): Promise<void> {
  const members = host.instances(server).length;
  await until(host, async () => {
    const { peer_state: does = 'not serving', quorum_size: known } = (await monitor(host)) as Record<string, string>;
    if (!does.endsWith('broadcast')) throw new Error(`${host.self.host} is outside the quorum: it is ${does}.`);
    if (Number(known) !== members) throw new Error(`${host.self.host} knows ${known} members, not ${members}.`);
    host.log(`${host.self.host} is ${does} as one of ${members}.`);
  });
}

export const client = defineComponent('zookeeper_client', {
  title: 'ZooKeeper Client',
  category: 'client',
  cardinality: '0+',
  config: [zkCli, logback],
});

// prettier-ignore
const alerts = {
  ZooKeeperNoQuorum: alert({ severity: 'critical', expr: 'absent(quorum_size{$labels})', for: 30,
    summary: 'No member serves: there is no quorum', remedy: 'Start a majority of the members, then read their logs' }),
  ZooKeeperNoLeader: alert({ severity: 'critical', expr: 'absent(synced_followers{$labels})',
    summary: 'The ensemble has lost its leader', remedy: 'See whether members reach each other on the election port' }),
  ZooKeeperLatency: alert({ severity: 'warning', expr: 'avg_latency{$labels} > 100', for: 300,
    summary: '{{ $labels.host }} answers in {{ $value }} ms', remedy: 'Look for a slow disk or a full heap' }),
  ZooKeeperOutstanding: alert({ severity: 'warning', expr: 'outstanding_requests{$labels} > 50', for: 300,
    summary: '{{ $value }} requests wait on {{ $labels.host }}', remedy: 'Find the busy client; spread the load' }),
  ZooKeeperConnections: alert({ severity: 'warning',
    expr: 'open_file_descriptor_count{$labels} / max_file_descriptor_count{$labels} > 0.85',
    summary: '{{ $labels.host }} is near its limit of connections', remedy: 'Find who opens so many, or raise it' }),
  ZooKeeperSlowDisk: alert({ severity: 'warning', for: 300,
    expr: 'rate(fsynctime_sum{$labels}[5m]) / rate(fsynctime_count{$labels}[5m]) > 100',
    summary: 'Writes to the log of {{ $labels.host }} take {{ $value }} ms', remedy: 'Give dataDir a disk of its own' }),
  ZooKeeperRestarts: alert({ severity: 'warning', expr: 'changes(process_start_time_seconds{$labels}[30m]) > 2',
    summary: '{{ $labels.host }} starts again and again', remedy: 'Its log says why; often the heap is too small' }),
};

const overview = dashboard('ZooKeeper', [
  panel('Members that serve', 'count(quorum_size{$labels})', { kind: 'stat' }),
  panel('Synced followers', 'max(synced_followers{$labels})', { kind: 'stat' }),
  panel('Average latency', 'avg_latency{$labels}', { unit: 'ms', legend: '{{host}}' }),
  panel('Outstanding requests', 'outstanding_requests{$labels}', { legend: '{{host}}' }),
  panel('Connections', 'num_alive_connections{$labels}', { legend: '{{host}}' }),
  panel('Write to disk, median', 'fsynctime{$labels,quantile="0.5"}', { unit: 'ms', legend: '{{host}}' }),
]);

export const zookeeper = defineService('zookeeper', {
  title: 'ZooKeeper',
  description: 'A replicated coordination service',
  version: '3.9.4',
  user: 'zookeeper',
  license: 'Apache-2.0',
  packages: [
    definePackage('zookeeper', {
      version: '3.9.4',
      maven: {
        bom: 'org.apache.zookeeper:parent:3.9.4',
        // prettier-ignore
        artifacts: [
          'org.apache.zookeeper:zookeeper:3.9.4', 'org.apache.zookeeper:zookeeper-prometheus-metrics:3.9.4',
          'org.eclipse.jetty:jetty-server', 'org.eclipse.jetty:jetty-servlet',
          'com.fasterxml.jackson.core:jackson-databind', 'commons-cli:commons-cli', 'jline:jline',
          'io.dropwizard.metrics:metrics-core', 'org.xerial.snappy:snappy-java', 'ch.qos.logback:logback-classic',
        ],
      },
    }),
  ],
  requires: [jdk('>=11')],
  components: [server, client],
  exports: { connect: hostPorts(server, zooCfg.clientPort) },
  upgrade: { from: '>=3.8', backTo: '>=3.8' },
  profiles: { small: profile('Members that share one machine with much else', [set(zooEnv.heap, 48)]) },
  alerts,
  dashboards: { overview },
});

export default defineStack({ services: [zookeeper] });
