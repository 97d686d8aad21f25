import { expect, test } from 'vitest';
import { PlanRefusedError } from '../errors.ts';
import { asRunBy, isBehind } from '../versions.ts';
import { cluster, component, config, property, Sample, service, zookeeper } from '../testing/sample.ts';
import type { ServiceManifest } from '@stackyard/sdk/manifest';

/** Three ZooKeeper servers of stack 1.0.0, and what else is installed. */
function running(...newer: readonly (readonly [version: string, manifest: ServiceManifest])[]): Sample {
  const state = cluster();
  const sample = new Sample({
    ...state,
    stacks: [
      ...state.stacks,
      ...newer.map(([version, manifest]) => ({
        name: '@stack/sample',
        version,
        digest: `sha512-${version}`,
        services: [manifest],
      })),
    ],
  });
  sample.run({ command: 'add', services: [{ service: 'zookeeper', version: '1.0.0' }] });
  return sample;
}

const zooCfg = zookeeper.configs[0]!;
const upgraded = service('zookeeper', {
  ...zookeeper,
  version: '3.10.0',
  upgrade: { from: '>=3.9 <4', backTo: '>=3.9' },
});

function refusal(sample: Sample, version: string): readonly { code: string; message: string; pointer?: string }[] {
  try {
    sample.plan({ command: 'upgrade', service: 'zookeeper', version });
  } catch (error) {
    if (error instanceof PlanRefusedError) return error.problems as never;
    throw error;
  }
  throw new Error('It was planned.');
}

test('an upgrade takes every host component to the new version once, and back again', () => {
  const sample = running(['1.1.0', upgraded]);
  const plan = sample.run({ command: 'upgrade', service: 'zookeeper', version: '1.1.0' });
  expect(
    plan.tasks
      .filter(({ phase }) => phase === 'configure')
      .map(({ hostComponentId }) => hostComponentId)
      .toSorted(),
  ).toEqual(
    sample
      .hostComponents()
      .map(({ id }) => id)
      .toSorted(),
  );
  const [after] = sample.state.services;
  expect([after?.stack.version, after?.manifest.version, after?.configVersion]).toEqual(['1.1.0', '3.10.0', 2]);
  expect(sample.hostComponents().some((each) => isBehind(after!, each))).toBe(false);
  expect(refusal(sample, '1.1.0')[0]?.message).toMatchInlineSnapshot(
    `"All of zookeeper runs from @stack/sample 1.1.0 already. Name another version."`,
  );
  sample.run({ command: 'upgrade', service: 'zookeeper', version: '1.0.0' });
  expect(sample.state.services[0]?.manifest.version).toBe('3.9.4');
});

test('what keeps an upgrade from being planned is said with what to do', () => {
  const sample = running(
    ['1.1.0', { ...upgraded, upgrade: undefined }],
    ['2.0.0', { ...upgraded, version: '5.0.0', upgrade: { from: '>=4' } }],
    ['2.1.0', { ...upgraded, components: [component('other')] }],
    ['2.2.0', { ...upgraded, requires: { jdk: '>=99', services: [] } }],
  );
  const sentences = ['9.9.9', '1.1.0', '2.0.0', '2.1.0', '2.2.0'].map(
    (version) => `${refusal(sample, version)[0]?.pointer}: ${refusal(sample, version)[0]?.message}`,
  );
  expect(sentences).toMatchInlineSnapshot(`
    [
      "/version: Version 9.9.9 of @stack/sample is not installed; there is 1.0.0 (ZooKeeper 3.9.4), 1.1.0 (ZooKeeper 3.10.0), 2.0.0 (ZooKeeper 5.0.0), 2.1.0 (ZooKeeper 3.10.0), 2.2.0 (ZooKeeper 3.10.0). Install it by "stackyard stack install", or name one of these.",
      "/version: @stack/sample 1.1.0 does not say that ZooKeeper 3.9.4 can be upgraded to 3.10.0. Its author has to write upgrade: { from: '3.9.4' } in the definition of the service, with the range of versions for which that works.",
      "/version: ZooKeeper 5.0.0 can be reached from >=4, and 3.9.4 runs (@stack/sample 1.0.0). Upgrade to a version in between first.",
      "/version: @stack/sample 2.1.0 has no component zookeeper_server any more, and it is on zk1, zk2, zk3. Remove zookeeper_server first.",
      "/version: ZooKeeper 3.10.0 needs a JDK >=99, and host zk1 has Java 17.0.15 in /usr/lib/jvm/java-17. Install a JDK >=99 on zk1, or give the server a runtime by its setting packages.javaRuntime.",
    ]
  `);
});

test('going back needs the word of the version that runs', () => {
  const sample = running(['1.1.0', { ...upgraded, upgrade: { from: '>=3.9' } }]);
  sample.run({ command: 'upgrade', service: 'zookeeper', version: '1.1.0' });
  expect(refusal(sample, '1.0.0').map(({ code }) => code)).toEqual(['NO_WAY_BACK_METADATA']);
});

test('a revision of the stack alone needs no metadata', () => {
  const sample = running(['1.0.1', zookeeper]);
  expect(sample.plan({ command: 'upgrade', service: 'zookeeper', version: '1.0.1' }).tasks).not.toEqual([]);
});

test('values are kept; one of a property that is gone is laid aside and comes back with it', () => {
  const without = {
    ...upgraded,
    configs: [{ ...zooCfg, properties: zooCfg.properties.filter(({ name }) => name !== 'note') }],
  };
  const sample = running(['1.1.0', without]);
  sample.run({
    command: 'configure',
    target: { service: 'zookeeper' },
    config: { 'zoo.cfg': { tickTime: 4000, note: 'mine' } },
  });
  sample.run({ command: 'upgrade', service: 'zookeeper', version: '1.1.0' });
  expect(sample.state.services[0]).toMatchObject({
    values: { 'zoo.cfg': { tickTime: 4000 } },
    laidAside: { values: { 'zoo.cfg': { note: 'mine' } } },
  });
  sample.run({ command: 'upgrade', service: 'zookeeper', version: '1.0.0' });
  expect(sample.state.services[0]?.values).toEqual({ 'zoo.cfg': { tickTime: 4000, note: 'mine' } });
});

test('a value that the new version does not take refuses the upgrade, with its place', () => {
  const strict = {
    ...upgraded,
    configs: [config('zoo.cfg', [property('tickTime', 'int', { default: { literal: 5000 }, min: 5000 })])],
    exports: {},
  };
  const sample = running(['1.1.0', strict]);
  sample.run({ command: 'configure', target: { service: 'zookeeper' }, config: { 'zoo.cfg': { tickTime: 4000 } } });
  expect(refusal(sample, '1.1.0').map((each) => each.pointer)).toEqual(['/config/zoo.cfg/tickTime']);
});

test('a pinned property keeps its value where only the default has moved', () => {
  const moved = {
    ...upgraded,
    configs: [
      {
        ...zooCfg,
        properties: zooCfg.properties.map((each) =>
          each.name === 'dataDir' ? { ...each, default: { literal: '/srv/zookeeper' } } : each,
        ),
      },
    ],
  };
  const sample = running(['1.1.0', moved]);
  sample.run({ command: 'upgrade', service: 'zookeeper', version: '1.1.0' });
  expect(sample.state.services[0]?.values['zoo.cfg']).toEqual({ dataDir: '/var/lib/zookeeper' });
});

test('what an upgrade that stopped half way left behind runs by its own version, and goes on or back', () => {
  const older = { ...upgraded, components: upgraded.components.map((each) => ({ ...each, lifecycle: [] })) };
  const sample = running(['1.1.0', older]);
  const before = sample.state;
  sample.run({ command: 'upgrade', service: 'zookeeper', version: '1.1.0' });
  const third = sample
    .hostComponents()
    .find(({ component, ordinal }) => component === 'zookeeper_server' && ordinal === 3);
  const old = before.services[0]!;
  sample.state = {
    ...sample.state,
    services: sample.state.services.map((each) => ({
      ...each,
      otherVersions: [{ stack: old.stack, manifest: old.manifest }],
      hostComponents: each.hostComponents.map((it) =>
        it.id === third?.id ? { ...it, stackDigest: old.stack.digest, observed: 'STOPPED' as const } : it,
      ),
    })),
  };
  const [mixed] = sample.state.services;
  expect(asRunBy(mixed!, { stackDigest: old.stack.digest }).manifest.version).toBe('3.9.4');
  const start = sample.plan({ command: 'start', target: { service: 'zookeeper' } });
  // Only the old version has a check.
  expect(start.tasks.map(({ hostComponentId, phase }) => [hostComponentId === third?.id, phase])).toEqual([
    [true, 'start'],
    [true, 'check'],
  ]);
  const on = sample.plan({ command: 'upgrade', service: 'zookeeper', version: '1.1.0' });
  expect(new Set(on.tasks.map(({ hostComponentId }) => hostComponentId))).toEqual(new Set([third?.id]));
  const back = sample.plan({ command: 'upgrade', service: 'zookeeper', version: '1.0.0' });
  expect(new Set(back.tasks.map(({ hostComponentId }) => hostComponentId)).size).toBe(6);
  const configure = sample.plan({ command: 'configure', target: { service: 'zookeeper' } });
  expect(configure.skipped.find(({ hostComponentId }) => hostComponentId === third?.id)?.reason).toBe(
    'it still runs another version: finish the upgrade or take it back first',
  );
});
