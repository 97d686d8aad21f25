import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Envelope, type Self, toValueMap } from '@stackyard/proto';
import type { Expression, StackManifest } from '@stackyard/sdk/manifest';
import { packTarball } from '@stackyard/sdk/artifact';
import { create } from 'tar';

const property = (name: string): Expression => ({ property: { config: 'beat.conf', property: name } });

/** The smallest stack that has everything: a package, a config, a file, a data directory, a process and functions. */
const manifest: StackManifest = {
  format: 1,
  name: '@stack/beat',
  version: '1.0.0',
  sdk: '0.1.0',
  title: 'Beat',
  services: [
    {
      name: 'beat',
      title: 'Beat',
      version: '1.0.0',
      user: 'beat',
      packages: [{ name: 'beat', version: '1.0.0', origins: {} }],
      requires: { services: [] },
      configs: [
        {
          name: 'beat.conf',
          format: 'properties',
          file: true,
          effect: 'restart',
          properties: [
            { name: 'port', type: 'port', help: 'Where it listens', effect: 'restart', default: { literal: 4000 } },
            { name: 'dataDir', type: 'dir', help: 'Its data', effect: 'pinned', default: { literal: '/data/beat' } },
            { name: 'mode', type: 'text', help: 'How it behaves', effect: 'restart', default: { literal: 'well' } },
          ],
        },
      ],
      components: [
        {
          name: 'beater',
          title: 'Beater',
          category: 'server',
          cardinality: '1+',
          configs: ['beat.conf'],
          files: [{ in: { config: 'beat.conf', property: 'dataDir' }, name: 'id', content: { self: 'ordinal' } }],
          dirs: [{ config: 'beat.conf', property: 'dataDir' }],
          process: {
            program: { literal: process.execPath },
            args: [
              { concat: [{ self: 'packageDir' }, { literal: '/server.mjs' }] },
              { self: 'address' },
              property('port'),
              property('mode'),
            ],
            env: {},
            ready: { kind: 'tcp', port: property('port') },
            readyMs: 15_000,
            stopMs: 5_000,
          },
          lifecycle: ['init', 'prepare', 'check', 'reload', 'decommission', 'recommission'],
          decommission: { timeout: 60 },
          actions: ['echo', 'large', 'nonsense'].map((name) => ({
            name,
            title: name,
            help: name,
            input: [],
            on: 'one' as const,
            timeout: 60,
            idempotent: false,
          })),
          after: [],
          rolling: false,
          timeouts: {},
          idempotent: {},
          health: { answers: { kind: 'http', port: property('port'), path: '/', json: 'state', expect: 'beating' } },
          role: { kind: 'http', port: property('port'), path: '/', json: 'role' },
          links: {},
        },
      ],
      exports: {},
    },
  ],
};

const server = `import { createServer } from 'node:http';
const [address, port, mode] = process.argv.slice(2);
console.log('beating on ' + port);
if (mode === 'badly') { console.error('no heart'); process.exit(3); }
createServer((_request, response) => response.end(JSON.stringify({ state: 'beating', role: 'leader' }))).listen(Number(port), address);
`;

const lifecycle = `import { appendFileSync } from 'node:fs';
export default { 'beat/beater': { phases: {
  init: (host) => host.once('format', async () => {
    await host.write(host.get({ ref: { config: 'beat.conf', property: 'dataDir' } }) + '/formatted', 'yes\\n');
  }),
  prepare: async (host) => {
    const mark = host.self.root + '/marks';
    appendFileSync(mark, 'prepared\\n');
    host.log('Preparing for a while.');
    await host.wait(Number(process.env.BEAT_WAIT_MS ?? '1500'));
    host.log('Prepared.');
  },
  check: async (host) => {
    const port = host.get({ ref: { config: 'beat.conf', property: 'port' } });
    const answer = await host.fetchJson(port, '/');
    if (answer.state !== 'beating') throw new Error('It does not beat.');
    host.log('It beats.');
  },
  reload: (host) => host.log('Reloaded ' + host.self.host),
},
actions: {
  echo: (host, input) => ({ given: input, by: host.self.host }),
  large: () => 'x'.repeat(50_000),
  nonsense: () => 1n,
},
decommission: (host, leaving) => host.log('Emptied ' + leaving.map((it) => it.host + ' ' + it.leaving).join()),
recommission: (host, back) => host.log('Took in ' + back.map((it) => it.host).join()),
} };
`;

export interface TestStack {
  readonly artifactDigest: string;
  readonly packageDigest: string;
  readonly packageSize: number;
  readonly files: ReadonlyMap<string, string>;
}

/** Builds artifact and package of the test stack in a directory. */
export async function buildTestStack(dir: string): Promise<TestStack> {
  const product = join(dir, 'product/beat-1.0.0');
  await mkdir(product, { recursive: true });
  await writeFile(join(product, 'server.mjs'), server);
  const artifact = join(dir, 'artifact.tgz');
  const archive = join(dir, 'package.tgz');
  const data = (path: string, text: string) => ({ path, content: Buffer.from(text), executable: false });
  await writeFile(
    artifact,
    packTarball([data('manifest.json', JSON.stringify(manifest)), data('lifecycle.mjs', lifecycle)]),
  );
  await create({ file: archive, cwd: join(dir, 'product'), gzip: true, portable: true }, ['beat-1.0.0']);
  const artifactDigest = `sha512-${createHash('sha512')
    .update(await readFile(artifact))
    .digest('hex')}`;
  const packageDigest = `sha256-${createHash('sha256')
    .update(await readFile(archive))
    .digest('hex')}`;
  const files = new Map([
    [artifactDigest, artifact],
    [packageDigest, archive],
  ]);
  return { artifactDigest, packageDigest, packageSize: (await stat(archive)).size, files };
}

export interface TestPlace {
  readonly root: string;
  readonly address: string;
  readonly port: number;
  readonly mode?: string;
}

export const hostComponentId = 'hc-beater-1';

export function testSelf({ root, address }: TestPlace): Self {
  return { hostComponentId, host: 'h1', address, bind: address, root, ordinal: 1, local: true };
}

export function testValues({ port, mode = 'well' }: TestPlace) {
  return { 'beat.conf': toValueMap({ port, dataDir: '/data/beat', mode }) };
}

/** What a task of the test stack is told. */
export function testEnvelope(stack: TestStack, place: TestPlace, phase: string, more: Envelope = {}): Envelope {
  const { packageDigest: digest, packageSize: size } = stack;
  return {
    taskId: randomUUID(),
    attempt: 1,
    jobId: 'job',
    clusterId: 'cluster',
    phase,
    idempotent: true,
    timeoutMs: 60_000,
    killGraceMs: 1_000,
    startWithinMs: 60_000,
    artifactDigest: stack.artifactDigest,
    service: 'beat',
    component: 'beater',
    self: testSelf(place),
    values: testValues(place),
    instances: { beater: { items: [{ host: 'h1', address: place.address, ordinal: 1 }] } },
    packages: { beat: { version: '1.0.0', digest, size } },
    serviceUser: 'beat',
    ...more,
  };
}
