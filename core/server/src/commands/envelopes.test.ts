import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@stackyard/kernel';
import type { StackManifest } from '@stackyard/sdk/manifest';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PackageRepository } from '../packages/index.ts';
import { sha512, startOrigin } from '../packages/origin.fixture.ts';
import { packTarball } from '../packages/tarball.ts';
import type { StackStore } from '../stacks/store.ts';
import { SnapshotEnvelopes } from './envelopes.ts';
import { newJob } from './newJob.ts';
import { planCommand } from './planning.ts';
import { Renderer } from './renderer.ts';
import { emptyCluster, stacks as planningStacks } from './testing/sample.ts';

let dir: string;
const ends: (() => Promise<unknown>)[] = [];
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'envelopes-'))));
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
  await rm(dir, { recursive: true, force: true });
});

/** An archive of the product for a processor, to be fetched from an origin of its own. */
async function archiveFor(processor: 'x64' | 'arm64') {
  const file = join(dir, `${processor}.tar.gz`);
  const { digest } = await packTarball(file, [{ path: 'product-1.0/bin', from: Buffer.from(processor) }]);
  const bytes = await readFile(file);
  const origin = await startOrigin(bytes);
  ends.push(origin.stop);
  return { digest, source: { url: origin.url, sha512: sha512(bytes), arch: processor } };
}

type Service = StackManifest['services'][number];

/** What the installs of the sample's workers are told, on a host of each processor. */
async function installs(change: (service: Service) => Service, processors: readonly (string | undefined)[]) {
  const empty = emptyCluster(processors.length);
  const [stack] = empty.stacks;
  const services = (stack?.services ?? []).map(change);
  const state = {
    ...empty,
    hosts: empty.hosts.map((host, index) => ({ ...host, arch: processors[index] })),
    stacks: empty.stacks.map((each) => ({ ...each, services })),
  };
  const stacks = {
    ...planningStacks,
    manifest: async () => ({ ...stack, services }) as unknown as StackManifest,
    open: async () => undefined,
  } as unknown as StackStore;
  const renderer = new Renderer();
  ends.push(() => renderer.stop());
  const hosts = state.hosts.map(({ name }) => name);
  const request = { command: 'add' as const, services: [{ service: 'demo', components: { worker: hosts, head: [] } }] };
  const planned = await planCommand(state, request, { stacks, renderer });
  const stored = newJob(planned, { basis: 1, createdBy: 'ann' }).stored({ position: 1, request });
  if (!('row' in stored)) throw new Error('It is the first of its cluster.');
  const envelopes = new SnapshotEnvelopes({
    stacks,
    packages: await PackageRepository.open({ dir: join(dir, 'store') }),
    present: async () => undefined,
    events: { append: async () => undefined },
    log: createLogger({ level: 'silent' }),
  });
  const tasks = stored.tasks.filter(({ phase }) => phase === 'install');
  return Promise.all(
    tasks.map(async (task) => ({
      host: task.hostId,
      ...(await envelopes.envelopeOf(stored.row, task, 1, AbortSignal.timeout(20_000))),
    })),
  );
}

test('a host gets the packages for its own processor, and one whose processor is not known those for that of the server', async () => {
  const archives = { x64: await archiveFor('x64'), arm64: await archiveFor('arm64') };
  const url = [archives.x64.source, archives.arm64.source];
  const packaged = (service: Service) => ({
    ...service,
    packages: [{ name: 'product', version: '1.0', origins: { url } }],
  });
  const given = (await installs(packaged, ['x64', 'arm64', undefined])).map(
    ({ host, packages }) => [host, packages?.['product']?.digest] as const,
  );
  expect(Object.fromEntries(given)).toEqual({
    'id-h1': archives.x64.digest,
    'id-h2': archives.arm64.digest,
    'id-h3': archives[arch() as 'x64' | 'arm64'].digest,
  });
});

test('a component runs as its own user where it has one, else as that of its service', async () => {
  const users = async (user?: string) => {
    const change = (service: Service): Service => ({
      ...service,
      components: service.components.map((each) => (each.name === 'worker' && user ? { ...each, user } : each)),
    });
    return (await installs(change, [undefined])).map(({ serviceUser }) => serviceUser);
  };
  expect(await users()).toEqual(['demo']);
  expect(await users('hands')).toEqual(['hands']);
});
