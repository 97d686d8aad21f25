import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PackageDescriptor } from './descriptor.ts';
import { PackageRepository, type StoredPackage } from './repository.ts';

// Needs Maven, a JDK and the repositories of its settings: the real product is resolved, packed and started.

const zookeeper: PackageDescriptor = {
  name: 'zookeeper',
  version: '3.9.4',
  origins: {
    maven: {
      bom: 'org.apache.zookeeper:parent:3.9.4',
      artifacts: [
        'org.apache.zookeeper:zookeeper:3.9.4',
        'org.apache.zookeeper:zookeeper-prometheus-metrics:3.9.4',
        'org.eclipse.jetty:jetty-server',
        'org.eclipse.jetty:jetty-servlet',
        'com.fasterxml.jackson.core:jackson-databind',
        'commons-cli:commons-cli',
        'jline:jline',
        'io.dropwizard.metrics:metrics-core',
        'org.xerial.snappy:snappy-java',
        'ch.qos.logback:logback-classic',
      ],
    },
  },
};

let dir: string;
let stored: StoredPackage;
let java: ChildProcess | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zookeeper-'));
  stored = await (await store('first')).ensure(zookeeper);
});

afterAll(async () => {
  if (java?.exitCode === null && java.kill('SIGKILL')) await once(java, 'exit');
  await rm(dir, { recursive: true, force: true });
});

test('two stores build the same archive from the same coordinates', async () => {
  const again = await (await store('second')).ensure(zookeeper);
  expect(again.digest).toBe(stored.digest);
  expect(again.contentDigest).toBe(stored.contentDigest);
});

test('a coordinate that does not exist fails with its name', async () => {
  const missing = { ...zookeeper.origins.maven, artifacts: ['org.apache.zookeeper:no-such-artifact:3.9.4'] };
  await expect((await store('missing')).ensure({ ...zookeeper, origins: { maven: missing } })).rejects.toThrow(
    /org\.apache\.zookeeper:no-such-artifact:jar:3\.9\.4 was not found in any repository/,
  );
});

test('a ready archive keeps its own bytes', async () => {
  const tomcat = { archive: 'org.apache.tomcat:tomcat:tar.gz:11.0.24' };
  const ready = await (await store('ready')).ensure({ name: 'tomcat', version: '11.0.24', origins: { maven: tomcat } });
  expect(ready).toMatchObject({
    size: 14_443_350,
    contentDigest: 'sha256-03e79d82e3ba7df20391404b1a5df94e496b62c7e301c2ea6636f143bc4a8c84',
  });
});

test('the closure is complete: a server starts from lib/* with metrics and admin server, and stops', async () => {
  const home = join(dir, 'home');
  await mkdir(home);
  await extract({ file: stored.path, cwd: home, strip: 1 });
  const jars = await readdir(join(home, 'lib'));
  expect(jars).toContain('zookeeper-prometheus-metrics-3.9.4.jar');

  const [client, admin, metrics] = [await freePort(), await freePort(), await freePort()];
  await writeFile(
    join(home, 'zoo.cfg'),
    [
      `dataDir=${join(dir, 'data')}`,
      'clientPortAddress=127.0.0.1',
      `clientPort=${client}`,
      'admin.serverAddress=127.0.0.1',
      `admin.serverPort=${admin}`,
      'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
      'metricsProvider.httpHost=127.0.0.1',
      `metricsProvider.httpPort=${metrics}`,
    ].join('\n'),
  );
  java = spawn(
    'java',
    [
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Xmx64m',
      '-cp',
      join(home, 'lib', '*'),
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      join(home, 'zoo.cfg'),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const died = once(java, 'exit').then(([code]) => Promise.reject(new Error(`ZooKeeper ended with ${code}`)));
  died.catch(() => undefined);
  java.stdout?.resume();

  const serving = async () => {
    await expect.poll(() => srvr(client).catch(() => ''), { timeout: 60_000 }).toContain('Mode: standalone');
  };
  await Promise.race([serving(), died]);
  await expect
    .poll(() => text(`http://127.0.0.1:${metrics}/metrics`), { timeout: 30_000 })
    .toMatch(/^znode_count [\d.]+$/m);
  expect(JSON.parse(await text(`http://127.0.0.1:${admin}/commands/stats`))).toMatchObject({
    command: 'stats',
    error: null,
    server_stats: { server_state: 'standalone' },
  });
  java.kill('SIGTERM');
  await died.catch(() => undefined);
  expect(java.exitCode).toBe(143);
});

function store(name: string): Promise<PackageRepository> {
  return PackageRepository.open({ dir: join(dir, name), origin: 'maven' });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The four-letter command that is open by default. */
async function srvr(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.end('srvr');
  let answer = '';
  for await (const chunk of socket) answer += chunk as string;
  return answer;
}

async function text(url: string): Promise<string> {
  const answer = await fetch(url).catch(() => undefined);
  return (await answer?.text()) ?? '';
}
