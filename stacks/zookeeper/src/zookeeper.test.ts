import { readFileSync } from 'node:fs';
import { describeStack, simulate } from '@stackyard/sdk/testing';
import { expect, test } from 'vitest';
import stack, { client, logback, server, zooCfg, zooEnv } from './index.ts';

describeStack(stack);

const ensemble = simulate(stack).add(server, 'zk1', 'zk2', 'zk3');
const CONFIG = '/etc/stackyard/zookeeper/zookeeper_server';

test('a new host never renumbers the ensemble', async () => {
  const { files } = await ensemble.add(server, 'a-sorts-first').run(server, 'configure', 'zk1');
  expect(files['/var/lib/zookeeper/myid']).toBe('1\n');
});

test('a number that was given up is not used again', async () => {
  const { files } = await ensemble.remove(server, 'zk2').add(server, 'zk4').run(server, 'configure', 'zk4');
  expect(files['/var/lib/zookeeper/myid']).toBe('4\n');
  expect(files[`${CONFIG}/zoo.cfg`]).not.toContain('server.2=');
});

test('zoo.cfg lists the members by ordinal', async () => {
  const { files } = await ensemble.run(server, 'configure', 'zk2');
  expect(files[`${CONFIG}/zoo.cfg`]).toMatchInlineSnapshot(`
    "clientPort=2181
    dataDir=/var/lib/zookeeper
    tickTime=2000
    initLimit=10
    syncLimit=5
    maxClientCnxns=60
    autopurge.snapRetainCount=3
    autopurge.purgeInterval=24
    4lw.commands.whitelist=srvr,mntr,ruok
    admin.serverPort=9393
    metricsProvider.httpPort=7000
    clientPortAddress=0.0.0.0
    admin.serverAddress=0.0.0.0
    metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider
    metricsProvider.httpHost=0.0.0.0
    standaloneEnabled=false
    server.1=10.0.0.1:2888:3888
    server.2=10.0.0.2:2888:3888
    server.3=10.0.0.3:2888:3888
    "
  `);
});

test('members that share a machine listen on their own addresses, below their own roots', async () => {
  const { files } = await ensemble.local().run(server, 'configure', 'zk2');
  const zoo = files[`/srv/zk2${CONFIG}/zoo.cfg`] ?? '';
  expect(zoo.split('\n').filter((line) => /zk2|127/.test(line))).toMatchInlineSnapshot(`
    [
      "dataDir=/srv/zk2/var/lib/zookeeper",
      "clientPortAddress=127.0.0.12",
      "admin.serverAddress=127.0.0.12",
      "metricsProvider.httpHost=127.0.0.12",
      "server.1=127.0.0.11:2888:3888",
      "server.2=127.0.0.12:2888:3888",
      "server.3=127.0.0.13:2888:3888",
    ]
  `);
});

test('a member whose port was overridden is known by it to all', async () => {
  const { files } = await ensemble.override('zk3', zooCfg.quorumPort, 2999).run(server, 'configure', 'zk1');
  expect(files[`${CONFIG}/zoo.cfg`]).toContain('server.3=10.0.0.3:2999:3888\n');
});

test('the process is a JVM with the options of its config', async () => {
  const { process } = await ensemble.set(zooEnv.heap, 300).run(server, 'start', 'zk1');
  expect(process).toMatchInlineSnapshot(`
    {
      "args": [
        "-Xmx300m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xss512k",
        "-Dlogback.configurationFile=/etc/stackyard/zookeeper/zookeeper_server/logback.xml",
        "-cp",
        "/etc/stackyard/zookeeper/zookeeper_server:/opt/stackyard/zookeeper-3.9.4/lib/*",
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        "/etc/stackyard/zookeeper/zookeeper_server/zoo.cfg",
      ],
      "env": {},
      "program": "/usr/lib/jvm/java/bin/java",
      "ready": {
        "address": "10.0.0.1",
        "kind": "tcp",
        "port": 2181,
      },
      "readyMs": 60000,
      "stopMs": 30000,
    }
  `);
});

test('the heap that is recommended suits the host', async () => {
  const heapWith = async (memory: number) => {
    const { process } = await ensemble.facts({ memory }).run(server, 'start', 'zk1');
    return process?.args[0];
  };
  const mebibytes = 1024 ** 2;
  expect([
    await heapWith(512 * mebibytes),
    await heapWith(8192 * mebibytes),
    await heapWith(131_072 * mebibytes),
  ]).toEqual(['-Xmx48m', '-Xmx256m', '-Xmx1024m']);
});

test('the profile small takes the least heap that an ensemble was seen to work with', async () => {
  const { process } = await ensemble.profile('small').run(server, 'start', 'zk1');
  expect(process?.args[0]).toBe('-Xmx48m');
  expect(() => ensemble.profile('smal')).toThrow('no service has a profile smal; did you mean "small"?');
});

const broadcasting = { server_state: 'follower', peer_state: 'following - broadcast', quorum_size: 3 };

test('the check passes for a member in the quorum', async () => {
  const { log } = await ensemble.answer('/commands/monitor', broadcasting).run(server, 'check', 'zk1');
  expect(log).toEqual(['zk1 is following - broadcast as one of 3.']);
});

test.each([
  ['nothing answers', undefined, /refuses the connection/],
  ['it looks for a leader', { peer_state: 'looking' }, /zk1 is outside the quorum: it is looking\./],
  ['it does not serve', { error: 'not serving' }, /zk1 is outside the quorum: it is not serving\./],
  ['it has an older list of members', { ...broadcasting, quorum_size: 2 }, /zk1 knows 2 members, not 3/],
])('the check fails when %s', async (_, monitor, message) => {
  const cluster = monitor ? ensemble.answer('/commands/monitor', monitor, 'zk1') : ensemble;
  await expect(cluster.run(server, 'check', 'zk1')).rejects.toThrow(message);
});

test('a client host gets a command line that knows the ensemble', async () => {
  const { files } = await ensemble.add(client, 'edge').run(client, 'configure', 'edge');
  expect(files['/etc/stackyard/zookeeper/zookeeper_client/zkcli.sh']).toMatchInlineSnapshot(`
    "#!/bin/sh
    # ZooKeeper's command line client: zkcli.sh [get /path | ls / | …]
    exec /usr/lib/jvm/java/bin/java -Xmx64m -XX:+UseSerialGC -Dlevel=ERROR \\
      -cp '/etc/stackyard/zookeeper/zookeeper_client:/opt/stackyard/zookeeper-3.9.4/lib/*' org.apache.zookeeper.ZooKeeperMain \\
      -server 10.0.0.1:2181,10.0.0.2:2181,10.0.0.3:2181 "$@"
    "
  `);
});

test('a level of logging is written as XML', async () => {
  const { files } = await ensemble.set(logback.level, 'WARN').run(server, 'configure', 'zk1');
  expect(files[`${CONFIG}/logback.xml`]).toContain('<root level="${level:-WARN}">');
});

test('what can go wrong with an ensemble has an alert, and its figures a dashboard', () => {
  const { alerts = [], dashboards = [], upgrade } = simulate(stack).manifest.services[0]!;
  expect(alerts.map(({ name, severity }) => `${name} ${severity}`)).toMatchInlineSnapshot(`
    [
      "ZooKeeperNoQuorum critical",
      "ZooKeeperNoLeader critical",
      "ZooKeeperLatency warning",
      "ZooKeeperOutstanding warning",
      "ZooKeeperConnections warning",
      "ZooKeeperSlowDisk warning",
      "ZooKeeperRestarts warning",
    ]
  `);
  const expressions = [...alerts, ...dashboards.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries))];
  for (const { expr } of expressions) expect(expr).toMatch(/\{\$labels[,}]/);
  expect(dashboards.map(({ name, panels }) => [name, panels.length])).toEqual([['overview', 6]]);
  expect(upgrade).toEqual({ from: '>=3.8', backTo: '>=3.8' });
});

test('members take turns with the leader last', () => {
  expect(simulate(stack).manifest.services[0]?.components[0]).toMatchObject({ rolling: true, lastRole: 'leader' });
});

test('a member reports what it says of itself, each when asked', async () => {
  const said = { server_state: 'leader', avg_latency: 0.5 };
  const cluster = ensemble
    .answer('/commands/monitor', broadcasting)
    .answer('/commands/monitor', said, { host: 'zk2', port: zooCfg.adminPort });
  expect((await cluster.action(server, 'report', {}, 'zk2')).result).toEqual(said);
  expect((await cluster.action(server, 'report', {}, 'zk3')).result).toEqual(broadcasting);
  await expect(ensemble.action(server, 'report', {}, 'zk1')).rejects.toThrow('refuses the connection');
});

test('the definition stays short', () => {
  const source = readFileSync(new URL('./index.ts', import.meta.url), 'utf8');
  expect(source.split('\n').length).toBeLessThan(150);
});
