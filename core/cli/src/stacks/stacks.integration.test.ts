import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createLogger } from '@stackyard/kernel';
import { generateSigningKey, publicKeyLine, signArtifact, signaturesText } from '@stackyard/sdk/artifact';
import { buildStack } from '@stackyard/sdk/build';
import { type RunningServer, startServer } from '@stackyard/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../cli.ts';
import { testTerminal } from '../output/testing.ts';

const bin = join(import.meta.dirname, '../../bin/stackyard.mjs');
const hello = join(import.meta.dirname, '../../../../examples/hello-stack');
const acme = generateSigningKey('acme');
let dir: string;
let server: RunningServer;
let artifact: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-cli-stacks-'));
  const listen = { host: '127.0.0.1', port: 0 };
  server = await startServer({
    dataDir: join(dir, 'near'),
    http: listen,
    agents: listen,
    enrolment: listen,
    packages: { origin: 'auto' },
    stacks: [],
    plugins: [],
    log: createLogger({ level: 'silent' }),
    onFatal: (error) => console.error(error),
  });
  const built = await buildStack(hello, { outDir: join(dir, 'built') });
  artifact = built.file;
  const { name, version } = built.manifest;
  const signature = signArtifact({ package: name, version, digest: built.digest }, acme);
  await writeFile(`${artifact}.sig.json`, signaturesText([signature]));
});
afterAll(async () => {
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

async function cli(...argv: string[]) {
  const env = { XDG_CONFIG_HOME: dir, STACKYARD_URL: server.url, STACKYARD_TOKEN: server.token };
  const terminal = testTerminal({ env });
  const code = await run(argv, terminal);
  return { code, ...terminal.said };
}

test('a stack that nobody trusts is shown and not installed; a server without a registry says so', async () => {
  const bare = join(dir, 'bare.tgz');
  await copyFile(artifact, bare);
  const refused = await cli('stack', 'install', bare, '--yes');
  expect(refused.code).toBe(1);
  expect(refused.err).toMatch(/Trust +not let in: .*nobody has signed it/);
  expect(refused.err).toContain('Nothing was installed.');
  expect((await cli('stack', 'install', '@acme/db')).err).toContain('the server names no registry');
  expect((await cli('stack', 'search', 'db')).err).toContain('The server names no registry.');
  expect((await cli('stack', 'install', bare, '--registry', 'x')).code).toBe(2);
});

test('a file goes with the signatures beside it, is shown, confirmed and installed, once', async () => {
  await cli(
    'api',
    'POST',
    '/publishers',
    '--data',
    JSON.stringify({ publicKey: publicKeyLine(acme), scopes: ['@stack/*'] }),
  );
  const unasked = await cli('stack', 'install', artifact);
  expect([unasked.code, unasked.err]).toEqual([2, expect.stringContaining('Say --yes')]);
  const preview = await cli('stack', 'install', artifact, '--preview');
  expect([preview.code, preview.err]).toEqual([0, expect.stringMatching(/Trust +signed by acme/)]);
  expect((await cli('stack', 'list')).out).toBe('');
  const installed = await cli('stack', 'install', artifact, '--yes', '-o', 'name');
  expect([installed.code, installed.out]).toEqual([0, '@stack/hello@0.1.0\n']);
  const again = await cli('stack', 'install', artifact, '--yes');
  expect([again.code, again.err]).toEqual([0, expect.stringContaining('Nothing to do: it is installed.')]);
});

test('a folder is built in a process of its own and sent', async () => {
  await cli('api', 'PUT', '/trust/policy/any');
  const again = await cli('stack', 'install', hello, '--yes');
  expect([again.code, again.err]).toEqual([0, expect.stringContaining('Nothing to do: it is installed.')]);
  expect((await cli('stack', 'remove', '@stack/hello@0.1.0')).code).toBe(0);
  const stripped = await cli('stack', 'install', hello, '--yes');
  expect([stripped.code, stripped.err]).toEqual([
    1,
    expect.stringContaining('hello-stack is not let in: acme has signed'),
  ]);
  const { code, out } = await cli('stack', 'install', hello, '--unsigned', '--yes', '-o', 'name');
  expect([code, out]).toEqual([0, '@stack/hello@0.1.0\n']);
  expect((await cli('stack', 'remove', '@stack/hello@0.1.0')).code).toBe(0);
  expect((await cli('stack', 'install', artifact, '--yes')).code).toBe(0);
});

test('a bundle is made, is not written over, and is refused when it was damaged', async () => {
  const file = join(dir, 'bundle.tar');
  const made = await cli('bundle', 'create', '@stack/hello', '--packages', '--out', file);
  expect([made.code, made.err]).toEqual([0, expect.stringContaining(`Made ${file}`)]);
  expect((await cli('bundle', 'create', '@stack/hello', '--out', file)).code).toBe(2);
  const unknown = await cli('bundle', 'create', '@stack/nothing', '--out', join(dir, 'no.tar'));
  expect([unknown.code, unknown.err]).toEqual([7, expect.stringContaining('There is no stack @stack/nothing')]);
  await expect(stat(join(dir, 'no.tar'))).rejects.toThrow('ENOENT');
  const bytes = await readFile(file);
  bytes[bytes.length - 1_600]! ^= 1;
  await writeFile(join(dir, 'damaged.tar'), bytes);
  const damaged = await cli('bundle', 'import', join(dir, 'damaged.tar'), '--yes');
  expect([damaged.code, damaged.err]).toEqual([1, expect.stringContaining('The bundle is refused')]);
});

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

test.skipIf(!isRoot)('a bundle is imported by a server that has no network at all (needs root)', async () => {
  const data = join(dir, 'far');
  await mkdir(data, { mode: 0o700 });
  const ports = ['--port', '8080', '--agent-port', '7071', '--enrolment-port', '7072'];
  const script = `ip link set lo up && exec "$0" "$@"`;
  const args = [process.execPath, bin, 'server', '--json', '--data-dir', data, ...ports];
  const child = spawn('unshare', ['-n', 'sh', '-c', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (said += part));
  try {
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout.once('data', (part: Buffer) => resolve(part.toString()));
      child.once('close', () => reject(new Error(said)));
    });
    const { url, tokenFile } = JSON.parse(line) as { url: string; tokenFile: string };
    const inside = async (...argv: string[]) => {
      const there = spawn('nsenter', ['-t', String(child.pid), '-n', process.execPath, bin, ...argv], {
        env: { ...process.env, STACKYARD_URL: url, STACKYARD_TOKEN_FILE: tokenFile, XDG_CONFIG_HOME: dir },
      });
      const code = new Promise((resolve) => void there.once('close', resolve));
      return { out: await text(there.stdout), err: await text(there.stderr), code: await code };
    };
    const key = JSON.stringify({ publicKey: publicKeyLine(acme), scopes: ['@stack/*'] });
    await inside('api', 'POST', '/publishers', '--data', key);
    const imported = await inside('bundle', 'import', join(dir, 'bundle.tar'), '--yes');
    expect([imported.code, imported.err]).toEqual([0, expect.stringContaining('Imported 1 stack')]);
    expect(imported.err).toMatch(/Trust +signed by acme/);
    expect((await inside('stack', 'list', '-o', 'name')).out).toContain('@stack/hello');
    const again = await inside('bundle', 'import', join(dir, 'bundle.tar'), '--yes');
    expect([again.code, again.err]).toEqual([0, expect.stringContaining('installed already')]);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
});
