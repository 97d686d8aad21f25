import { existsSync } from 'node:fs';
import { lchown, mkdir, mkdtemp, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { phaseContext, type PhaseContext } from './context.ts';
import { otherUser, rememberDataDirs, safeDataDir } from './dataDirs.ts';
import { makeDirectory } from './files.ts';
import { makeDataDirs } from './install.ts';
import { remove } from './remove.ts';

let outside: string;
let root: string;
let said: string[];
const isRoot = process.getuid?.() === 0;

beforeEach(async () => {
  outside = await realpath(await mkdtemp(join(tmpdir(), 'stackyard-data-dirs-')));
  root = join(outside, 'h1');
  said = [];
  await mkdir(join(root, 'data/zk'), { recursive: true });
  await mkdir(join(root, 'etc'));
  await writeFile(join(root, 'etc/passwd'), 'root\n');
  await writeFile(join(outside, 'precious'), 'not yours\n');
});
afterEach(() => rm(outside, { recursive: true, force: true }));

/** The removal of a component with its data, which lies where `dataDir` says. */
function removal(dataDir: string, hostComponentId = 'hc-1'): PhaseContext {
  const component = { name: 'server', dirs: [{ config: 'zoo.cfg', property: 'dataDir' }] };
  const property = { name: 'dataDir', type: 'dir', help: 'Data', effect: 'pinned' };
  const configs = [{ name: 'zoo.cfg', properties: [property] }];
  const service = { name: 'zk', user: 'zk', packages: [], configs, components: [component] };
  const self = { hostComponentId, host: 'h1', root, service: 'zk', component: 'server', ordinal: 1, local: true };
  const inputs = { self, values: { 'zoo.cfg': { dataDir } }, instances: {}, imports: {}, facts: {} };
  const order = { phase: 'remove', inputs, deleteData: true, packages: {}, once: [] };
  const from = { order, artifact: {}, manifest: { services: [service] }, signal: AbortSignal.timeout(10_000) };
  return phaseContext({ ...from, log: (line: string) => said.push(line) } as unknown as Parameters<
    typeof phaseContext
  >[0]);
}

test.each(['/', '/.', '/etc', '//etc/', '/var/lib', '/var/lib/stackyard'])(
  'removing a component with its data refuses %s and deletes nothing',
  async (dataDir) => {
    await expect(remove(removal(dataDir))).rejects.toThrow(/cannot be a data directory: .* Nothing in it was changed/);
    expect(existsSync(join(root, 'etc/passwd'))).toBe(true);
    expect(existsSync(join(root, 'data/zk'))).toBe(true);
  },
);

test('its own data directory goes, and nothing beside it', async () => {
  await mkdir(join(root, 'data/other'));
  await remove(removal('/data/zk'));
  expect(existsSync(join(root, 'data/zk'))).toBe(false);
  expect(existsSync(join(root, 'data/other'))).toBe(true);
});

test('a link on the way out of the root is not followed', async () => {
  await mkdir(join(outside, 'elsewhere/zk'), { recursive: true });
  await symlink(join(outside, 'elsewhere'), join(root, 'away'));
  await expect(remove(removal('/away/zk'))).rejects.toThrow(`it leads to ${outside}/elsewhere/zk, outside of ${root}`);
  expect(existsSync(join(outside, 'elsewhere/zk'))).toBe(true);
});

test('a link within the data is deleted, not what it names', async () => {
  await symlink(outside, join(root, 'data/zk/link'));
  await remove(removal('/data/zk'));
  expect(existsSync(join(outside, 'precious'))).toBe(true);
});

test('a link into a directory of the system is refused before anything gets an owner', async () => {
  await symlink(join(root, 'etc'), join(root, 'data/zk/log'));
  await expect(safeDataDir(join(root, 'data/zk/log'), root)).rejects.toThrow(/it leads to .*\/h1\/etc: it belongs to/);
  await expect(safeDataDir(join(root, 'data/zk/log/ssh'), root)).rejects.toThrow(/it lies in \/etc/);
});

test('a link that leads nowhere is refused', async () => {
  await symlink(join(root, 'nowhere'), join(root, 'data/zk/log'));
  await expect(safeDataDir(join(root, 'data/zk/log'), root)).rejects.toThrow(/is a link to what does not exist/);
});

test.runIf(isRoot)('a link that the user of a service has planted is not followed', async () => {
  await mkdir(join(root, 'data/other'));
  await symlink(join(root, 'data/other'), join(root, 'data/zk/log'));
  expect(await safeDataDir(join(root, 'data/zk/log'), root)).toBe(join(root, 'data/other'));
  await lchown(join(root, 'data/zk/log'), 65_534, 65_534);
  await expect(safeDataDir(join(root, 'data/zk/log'), root)).rejects.toThrow(/is a link that user 65534 made/);
});

test('data that another host component uses too is kept until that one goes', async () => {
  const [mine, theirs] = [removal('/data/zk'), removal('/data/zk/log', 'hc-2')];
  await mkdir(join(root, 'data/zk/log'));
  await rememberDataDirs(mine.dir, [join(root, 'data/zk')]);
  await rememberDataDirs(theirs.dir, [join(root, 'data/zk/log')]);
  expect(await otherUser(mine.dir, join(root, 'data/zk'))).toBe('hc-2');
  expect(await otherUser(mine.dir, join(root, 'data/z'))).toBeUndefined();
  await remove(mine);
  expect(said).toContain(`Kept the data directory ${root}/data/zk: host component hc-2 has data there too.`);
  expect(existsSync(join(root, 'data/zk/log'))).toBe(true);
  await remove(theirs);
  expect(existsSync(join(root, 'data/zk/log'))).toBe(false);
});

test.runIf(isRoot)('a directory gets owner and mode, however often it is made', async () => {
  const path = join(root, 'data/new');
  for (const mode of [0o750, 0o1775]) {
    await makeDirectory(path, { mode, owner: { uid: 65_534, gid: 65_534 } });
    const found = await stat(path);
    expect([found.uid, found.gid, found.mode & 0o7777]).toEqual([65_534, 65_534, mode]);
  }
});

test('a directory that a changed value adds is made when files are written, and those that are there keep their modes', async () => {
  const context = { ...removal('/data/zk'), phase: 'configure' } as PhaseContext;
  const of = (paths: string[]) => ({
    ...context,
    inputs: { ...context.inputs, values: { 'zoo.cfg': { dataDir: paths } } },
    service: {
      ...context.service,
      configs: [
        {
          ...context.service.configs[0]!,
          properties: [{ ...context.service.configs[0]!.properties[0]!, type: 'dirs' as const }],
        },
      ],
    },
  });
  await mkdir(context.dir, { recursive: true });
  const { mode } = await stat(join(root, 'data/zk'));
  await makeDataDirs(of(['/data/zk', '/disk2/zk']));
  expect((await stat(join(root, 'disk2/zk'))).mode & 0o777).toBe(0o750);
  expect((await stat(join(root, 'data/zk'))).mode).toBe(mode);
  expect(said).toEqual([`Made the data directory ${root}/disk2/zk.`]);
});
