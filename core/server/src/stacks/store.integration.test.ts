import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, systemClock } from '@stackyard/kernel';
import { buildStack } from '@stackyard/sdk/build';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { beginEpoch, type Database, openDatabase, Service, Stack } from '../database/index.ts';
import { Writer } from '../engine/writer/writer.ts';
import { startTestPostgres, type TestPostgres } from '../postgres/testing.ts';
import { Trust } from '../trust/trust.ts';
import { DatabaseStackStore } from './store.ts';

let postgres: TestPostgres;
let db: Database;
let writer: Writer;
let dir: string;
let store: DatabaseStackStore;
let trust: Trust;
beforeAll(async () => {
  postgres = await startTestPostgres('embedded');
  // Inside the package, where the SDK is found.
  const reports = join(import.meta.dirname, '../../reports');
  await mkdir(reports, { recursive: true });
  dir = await mkdtemp(join(reports, 'stacks-'));
});
beforeEach(async () => {
  db = await openDatabase({ url: await postgres.createDatabase() });
  const { epoch } = await beginEpoch(db);
  writer = new Writer({
    db,
    epoch,
    log: createLogger({ level: 'silent' }),
    clock: systemClock,
    onFenced: () => undefined,
  });
  trust = new Trust({ em: () => db.em(), transactions: writer });
  store = new DatabaseStackStore({
    em: () => db.em(),
    transactions: writer,
    trust,
    dir: await mkdtemp(join(dir, 'artifacts-')),
    check: () => undefined,
  });
  return async () => {
    await writer.stop();
    await db.close();
  };
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
  await postgres.stop();
});

/** A stack of version 1.0.0 whose contents the title tells apart. */
async function build(title: string): Promise<string> {
  const folder = join(dir, title);
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({
      name: '@stack/one',
      version: '1.0.0',
      type: 'module',
      exports: './index.ts',
      stackyard: { kind: 'stack' },
    }),
  );
  await writeFile(
    join(folder, 'index.ts'),
    `import { defineComponent, defineService, defineStack } from '@stackyard/sdk';
const part = defineComponent('part', { title: '${title}', category: 'server', cardinality: '1+' });
export default defineStack({ services: [defineService('one', { title: '${title}', version: '1.0.0', user: 'one', components: [part] })] });`,
  );
  return (await buildStack(folder, { outDir: join(folder, 'out') })).file;
}

const configured = (file: string) => store.install({ file, origin: 'configuration', by: 'configuration' });

test('other contents under the same version replace what no service runs from, and jobs still find the old bytes', async () => {
  const first = await configured(await build('first'));
  expect(await configured(await build('first'))).toMatchObject({ digest: first.digest });
  const second = await configured(await build('second'));
  expect((await store.list()).map(({ digest }) => digest)).toEqual([second.digest]);
  expect(await store.open(first.digest)).toMatchObject({ size: first.size });
});

test('what services run from is not replaced', async () => {
  const first = await configured(await build('first'));
  const em = db.em();
  em.create(Service, {
    id: crypto.randomUUID(),
    clusterId: crypto.randomUUID(),
    name: 'one',
    stackName: first.name,
    stackVersion: first.version,
    stackDigest: first.digest,
    configVersion: 1,
    generated: {},
    nextOrdinals: {},
    createdAt: new Date(),
  });
  await em.flush();
  await expect(configured(await build('second'))).rejects.toThrow('Raise the version');
  expect(await db.em().count(Stack, { digest: first.digest })).toBe(1);
});

test('a version that is removed is gone from the list, and a sweep deletes its artifact and no other', async () => {
  const gone = await configured(await build('gone'));
  await store.remove(gone.id);
  expect(await store.list()).toEqual([]);
  expect(await store.open(gone.digest)).toMatchObject({ size: gone.size });
  const kept = await configured(await build('kept'));
  await store.sweep();
  expect(await store.open(gone.digest)).toBeUndefined();
  expect(await store.open(kept.digest)).toMatchObject({ size: kept.size });
  await expect(store.remove(gone.id)).rejects.toThrow('There is no stack');
});

test('a digest that is none of ours is not found, and never becomes a path', async () => {
  await expect(store.open('sha512-../../etc/passwd')).rejects.toThrow('There is no stack');
  expect(await store.open(`sha512-${'0'.repeat(128)}`)).toBeUndefined();
});
