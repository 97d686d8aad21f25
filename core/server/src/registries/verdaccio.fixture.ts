import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { signArtifact, signaturesText, type SigningKey } from '@stackyard/sdk/artifact';
import { buildStack } from '@stackyard/sdk/build';
import { until } from '../engine/testing/world.ts';

/** A real npm registry on loopback, and what authors do with it. `stop` ends and removes all of it. */
export interface TestRegistry {
  readonly url: string;
  /** Of the one user there is, who may publish and read everything. */
  readonly token: string;
  readonly storage: string;
  /** Builds and publishes by npm itself. @returns the folder of the package */
  publish(stack: PublishedStack): Promise<string>;
  /** Runs npm in a folder as the one user there is. */
  npm(folder: string, ...args: readonly string[]): Promise<void>;
  deprecate(spec: string, message: string): Promise<void>;
  stop(): Promise<void>;
}

export interface PublishedStack {
  readonly name: string;
  readonly version: string;
  readonly definition: string;
  /** More of its package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Publishes the sources without their artifact. */
  readonly unbuilt?: boolean;
  readonly signedBy?: SigningKey;
}

const modules = join(import.meta.dirname, '../../../../node_modules');

export async function startRegistry(): Promise<TestRegistry> {
  const dir = await mkdtemp(join(tmpdir(), 'stackyard-registry-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeFile(join(dir, 'config.yaml'), config(dir));
  const bin = join(dirname(findPackageJSON('verdaccio', import.meta.url) ?? ''), 'bin/verdaccio');
  const child = spawn(process.execPath, [bin, '--config', join(dir, 'config.yaml'), '--listen', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: dir,
    // Which registry npm was told to use is not this one's matter.
    env: { PATH: process.env['PATH'], HOME: dir },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`The registry ended: ${said}`);
      return (await fetch(`${url}/-/ping`).catch(() => undefined))?.ok ?? false;
    });
    const token = await addUser(url);
    const npm = join(dir, 'npmrc');
    await writeFile(npm, `registry=${url}/\n//127.0.0.1:${port}/:_authToken=${token}\nfund=false\naudit=false\n`);
    return {
      url,
      token,
      storage: join(dir, 'storage'),
      publish: (stack) => publish(dir, npm, stack),
      npm: (folder, ...args) => runNpm(folder, npm, args),
      deprecate: (spec, message) => runNpm(dir, npm, ['deprecate', spec, message]),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function config(dir: string): string {
  return JSON.stringify({
    storage: join(dir, 'storage'),
    auth: { htpasswd: { file: join(dir, 'htpasswd') } },
    uplinks: {},
    packages: {
      '@private/*': { access: '$authenticated', publish: '$authenticated' },
      '**': { access: '$all', publish: '$authenticated' },
    },
    web: { enable: false },
    log: { type: 'stdout', level: 'error' },
  });
}

async function addUser(url: string): Promise<string> {
  const answer = await fetch(`${url}/-/user/org.couchdb.user:author`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'author', password: 'a long password' }),
  });
  return ((await answer.json()) as { token: string }).token;
}

async function publish(dir: string, npm: string, stack: PublishedStack): Promise<string> {
  const { name, version, definition, manifest, files = {}, unbuilt, signedBy } = stack;
  const folder = join(dir, 'packages', `${name.replace('/', '-')}-${version}`);
  const packageJson = {
    name,
    version,
    type: 'module',
    exports: './src/index.ts',
    keywords: ['stackyard-stack'],
    stackyard: { kind: 'stack' },
    files: ['dist/stack'],
    ...manifest,
  };
  const all = { 'package.json': JSON.stringify(packageJson), 'src/index.ts': definition, ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  await symlink(modules, join(folder, 'node_modules'));
  if (!unbuilt) {
    const { file, digest } = await buildStack(folder);
    if (signedBy)
      await writeFile(`${file}.sig.json`, signaturesText([signArtifact({ package: name, version, digest }, signedBy)]));
  }
  await runNpm(folder, npm, ['publish', '--ignore-scripts=false']);
  return folder;
}

async function runNpm(cwd: string, userconfig: string, args: readonly string[]): Promise<void> {
  const child = spawn('npm', [...args, '--userconfig', userconfig], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: cwd },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${String(code)}: ${said}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
