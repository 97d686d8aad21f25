import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { WatchedComponent__Output } from '@stackyard/proto';
import { StackManifest } from '@stackyard/sdk/manifest';
import { componentDir } from '@stackyard/sdk/render';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startKeeper } from '../processes/keeper.ts';
import { stopComponent } from '../processes/stop.ts';
import { temporaryDirectory } from '../processes/testing.ts';
import { Watched } from './watched.ts';

const id = `watched-${process.pid}`;
const listener = createServer();
let root: ReturnType<typeof temporaryDirectory>;
let dir: string;
beforeEach(() => {
  root = temporaryDirectory('watched');
  dir = componentDir(root.path, id);
});
afterEach(async () => {
  listener.close();
  await stopComponent(dir, { stopMs: 200 });
  root.remove();
});

/** A process that is ready once a port answers, and well once a file is there. */
function manifestOf(port: number, file: string): StackManifest {
  const component = {
    name: 'sleeper',
    title: 'Sleeper',
    category: 'server',
    cardinality: '1',
    configs: [],
    files: [],
    dirs: [],
    process: {
      program: { literal: '/bin/sleep' },
      args: [{ literal: '300' }],
      env: {},
      ready: { kind: 'tcp', port: { literal: port } },
      readyMs: 60_000,
      stopMs: 1_000,
    },
    lifecycle: [],
    actions: [],
    after: [],
    rolling: false,
    timeouts: {},
    idempotent: {},
    health: {
      file: {
        kind: 'exec',
        program: { literal: '/usr/bin/test' },
        args: [{ literal: '-e' }, { literal: file }],
        env: {},
        timeoutMs: 20_000,
      },
    },
    links: {},
  };
  const service = { name: 'sleep', title: 'Sleep', version: '1', user: 'sleep', requires: { services: [] } };
  const services = [{ ...service, packages: [], configs: [], components: [component], exports: {} }];
  return StackManifest.parse({ format: 1, name: '@stack/sleep', version: '1.0.0', sdk: '0.1.0', title: 'S', services });
}

test('what a program said of a process that was not ready yet counts no more once it is', async () => {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  await new Promise((closed) => listener.close(closed));
  const file = join(root.path, 'well');
  const self = { hostComponentId: id, host: 'h1', address: '127.0.0.1', bind: '127.0.0.1', root: root.path };
  const given = { hostComponentId: id, service: 'sleep', component: 'sleeper', self, values: {} };
  const watched = new Watched(given as unknown as WatchedComponent__Output, root.path);
  watched.define(manifestOf(port, file));
  const spec = { program: '/bin/sleep', args: ['300'], env: {}, cwd: root.path, logFile: join(root.path, 'log') };
  await startKeeper(dir, id, spec);
  watched.look();
  // More often than a failure is forgiven.
  for (const _ of [1, 2, 3]) await watched.probe();
  expect(watched.status).toMatchObject({ observed: 'STARTING', health: { file: false } });

  writeFileSync(file, '');
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  await watched.probe();
  expect(watched.status).toMatchObject({ observed: 'RUNNING', health: { file: true } });
});
