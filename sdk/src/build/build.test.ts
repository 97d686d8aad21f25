import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packTarball, unpackTarball } from '../artifact/tarball.ts';
import { ArtifactError, buildStack, readArtifact, readArtifactFiles, StackDefinitionError } from './index.ts';

const modules = join(import.meta.dirname, '../../../node_modules');
let work = '';
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'stackyard-build-'));
});
afterEach(() => rm(work, { recursive: true, force: true }));

const definition = `
import { alive, defineComponent, defineConfig, defineService, defineStack, exec, p } from '@stackyard/sdk';
import { greet } from './greet.ts';
const cfg = defineConfig('a.cfg', { port: p.port(80).help('Port') });
const one = defineComponent('one', {
  title: 'One', category: 'server', cardinality: '1+', config: [cfg],
  process: exec({ program: '/bin/true', ready: alive() }),
  lifecycle: { init: (host) => host.log(greet(host.get(cfg.port))) },
});
export default defineStack({ services: [defineService('demo', { title: 'Demo', version: '1', user: 'demo', components: [one] })] });
`;

/** A stack package in a folder of its own. */
async function stackFolder(name: string, files: Record<string, string> = {}): Promise<string> {
  const folder = join(work, name);
  const all = {
    'package.json': JSON.stringify({
      name: '@stack/demo',
      version: '1.2.3',
      type: 'module',
      exports: './src/index.ts',
      stackyard: { kind: 'stack' },
    }),
    'src/index.ts': definition,
    'src/greet.ts': 'export const greet = (port: number): string => `port ${port}`;',
    'templates/a.cfg.hbs': 'port={{config.port}}\n',
    'scripts/x.sh': 'echo x\n',
    ...files,
  };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  await symlink(modules, join(folder, 'node_modules'));
  return folder;
}

describe('building', () => {
  test('gives data, templates and one module that runs alone', async () => {
    const built = await buildStack(await stackFolder('demo'), { outDir: join(work, 'out') });
    const files = await readArtifactFiles(built.file, built);
    expect(files.map(({ path, executable }) => `${path}${executable ? '*' : ''}`)).toEqual([
      'lifecycle.mjs',
      'manifest.json',
      'scripts/x.sh*',
      'templates/a.cfg.hbs',
    ]);
    const bundle = join(work, 'lifecycle.mjs');
    await writeFile(bundle, files[0]?.content ?? '');
    const { default: lifecycle } = (await import(pathToFileURL(bundle).href)) as {
      default: Record<string, { phases?: Record<string, (host: unknown) => void> }>;
    };
    const said: string[] = [];
    lifecycle['demo/one']?.phases?.['init']?.({ get: () => 80, log: (line: string) => said.push(line) });
    expect(said).toEqual(['port 80']);
  });

  test('takes away what builds of other versions have left, with their signatures, and nothing else', async () => {
    const folder = await stackFolder('demo');
    const older = await buildStack(folder);
    expect(older.removed).toEqual([]);
    await writeFile(`${older.file}.sig.json`, older.digest);
    expect((await buildStack(folder)).removed).toEqual([]);
    for (const kept of ['stack-demo-extra-1.0.0.tgz', 'notes.txt'])
      await writeFile(join(folder, 'dist/stack', kept), '');
    await writeFile(join(folder, 'templates/a.cfg.hbs'), 'port={{config.port}}\n# changed\n');
    expect((await buildStack(folder)).removed).toEqual(['stack-demo-1.2.3.tgz.sig.json']);
    const manifest = await readFile(join(folder, 'package.json'), 'utf8');
    await writeFile(join(folder, 'package.json'), manifest.replace('1.2.3', '1.3.0-rc.1'));
    expect((await buildStack(folder)).removed).toEqual(['stack-demo-1.2.3.tgz']);
    expect((await readdir(join(folder, 'dist/stack'))).toSorted()).toEqual([
      'notes.txt',
      'stack-demo-1.3.0-rc.1.tgz',
      'stack-demo-extra-1.0.0.tgz',
    ]);
  });

  test('the same source gives the same digest, from another path too', async () => {
    const first = await stackFolder('demo');
    const second = join(work, 'deep', 'er', 'copy');
    await cp(first, second, { recursive: true, verbatimSymlinks: true });
    const digests = await Promise.all(
      [first, second, first].map((folder, n) => buildStack(folder, { outDir: join(work, `${n}`) })),
    );
    expect(new Set(digests.map(({ digest }) => digest)).size).toBe(1);
    await writeFile(join(second, 'templates/a.cfg.hbs'), 'port={{config.port}}\n# changed\n');
    expect((await buildStack(second)).digest).not.toBe(digests[0]?.digest);
  });

  test('the SDK of the stack leaves no trace of its machine in the bundle', async () => {
    const built = await buildStack(await stackFolder('demo'));
    const files = await readArtifactFiles(built.file, built);
    for (const { content } of files) expect(content.toString()).not.toMatch(/\/work|\/tmp|sdk\/src/);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    [
      'package.json without the key',
      { 'package.json': '{"name":"x","version":"1.0.0"}' },
      /package\.json: it does not say that this is a stack/,
    ],
    ['a package.json that is none', { 'package.json': '{' }, /a stack is an npm package/],
    ['a module that throws', { 'src/index.ts': 'throw new Error("no luck")' }, /cannot be imported: .*no luck/s],
    [
      'functions that need a file which is not there',
      {
        'src/greet.ts': `export const greet = (port: number): string => {
          void import('./nowhere.ts');
          return String(port);
        };`,
      },
      /^\P{Cc}*its lifecycle functions cannot be bundled: \P{Cc}*nowhere\.ts\P{Cc}*$/u,
    ],
    ['a module that ends the process', { 'src/index.ts': 'process.exit(3)' }, /ended the process/],
    ['another default export', { 'src/index.ts': 'export default 1' }, /its default export is no stack/],
    [
      'a template that cannot be compiled',
      { 'templates/a.cfg.hbs': '{{#if}}' },
      /templates\/a\.cfg\.hbs.*correct the template/s,
    ],
    ['a config without help', { 'src/index.ts': definition.replace("user: 'demo'", "user: 'De mo'") }, /demo user/],
    ['an import that cannot be resolved', { 'src/greet.ts': "import 'nowhere-to-be-found'" }, /nowhere-to-be-found/],
  ])('names what is wrong: %s', async (_, files, message) => {
    const building = buildStack(await stackFolder('demo', files));
    await expect(building).rejects.toThrow(StackDefinitionError);
    await expect(building).rejects.toThrow(message);
  });
});

describe('reading', () => {
  const file = (path: string, text = 'x') => ({ path, content: Buffer.from(text), executable: false });
  const artifact = async (packed: Buffer): Promise<string> => {
    const path = join(work, 'a.tgz');
    await writeFile(path, packed);
    return path;
  };

  test('gives the manifest and the templates', async () => {
    const built = await buildStack(await stackFolder('demo'));
    const { manifest, templates, digest, size } = await readArtifact(built.file, { digest: built.digest });
    expect({ manifest, digest, size }).toEqual({ manifest: built.manifest, digest: built.digest, size: built.size });
    expect(templates).toEqual({ 'a.cfg.hbs': 'port={{config.port}}\n' });
  });

  test('one changed byte is seen before anything is parsed', async () => {
    const built = await buildStack(await stackFolder('demo'));
    const bytes = await readFile(built.file);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await expect(readArtifact(await artifact(bytes), built)).rejects.toMatchObject({ code: 'ARTIFACT_INTEGRITY' });
  });

  test.each<[string, () => Buffer, RegExp]>([
    ['no gzip', () => Buffer.from('hello'), /incorrect header/],
    ['a cut archive', () => cut(packTarball([file('manifest.json', '{}')])), /its end is missing|cut off/],
    ['no manifest', () => packTarball([file('a')]), /it has no manifest\.json/],
    ['a manifest that is no JSON', () => packTarball([file('manifest.json', '{')]), /cannot be read/],
    [
      'a manifest with a prototype',
      () => packTarball([file('manifest.json', '{"__proto__":{}}')]),
      /a key is called __proto__/,
    ],
    [
      'a manifest with more than it may have',
      () => packTarball([file('manifest.json', '{"format":1,"x":2}')]),
      /does not fit/,
    ],
    [
      'a manifest that is no text',
      () => packTarball([{ ...file('manifest.json'), content: Buffer.from([0xff, 0xfe]) }]),
      /no UTF-8 text/,
    ],
    ['a link', () => archive({ path: 'a', type: 'SymbolicLink', linkpath: '/etc/passwd' }), /"a" is no regular file/],
    ['a device', () => archive({ path: 'a', type: 'CharacterDevice' }), /no regular file/],
    ['a folder', () => archive({ path: 'a', type: 'Directory' }), /no regular file/],
    ['a way out', () => archive({ path: '../a', type: 'File' }), /no name of a file here/],
    ['an absolute path', () => archive({ path: '/etc/passwd', type: 'File' }), /no name of a file here/],
    ['a damaged header', () => damaged(), /is damaged/],
  ])('refuses %s', async (_, packed, message) => {
    const reading = readArtifact(await artifact(packed()));
    await expect(reading).rejects.toThrow(ArtifactError);
    await expect(reading).rejects.toThrow(message);
  });

  test('what was packed is unpacked, whatever the order', async () => {
    const files = [file('templates/b', 'b'), file('a', ''), file('scripts/c', 'c'.repeat(513))];
    expect((await unpackTarball(packTarball(files))).map(({ path }) => path)).toEqual([
      'a',
      'scripts/c',
      'templates/b',
    ]);
    expect(packTarball(files)).toEqual(packTarball(files.toReversed()));
  });

  function archive(...headers: ConstructorParameters<typeof Header>[0][]): Buffer {
    const blocks = headers.map((data) => {
      const header = new Header({ mode: 0o644, size: 0, ...(data as object) });
      header.encode();
      return header.block ?? Buffer.alloc(0);
    });
    return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
  }

  function cut(packed: Buffer): Buffer {
    return gzipSync(gunzipSync(packed).subarray(0, 1024));
  }

  function damaged(): Buffer {
    const tar = gunzipSync(packTarball([file('a')]));
    tar[0] = 98;
    return gzipSync(tar);
  }
});
