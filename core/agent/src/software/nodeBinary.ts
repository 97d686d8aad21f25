import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { extract } from 'tar';
import { NodeBinaryError } from '../errors.ts';

/** Processors that agents run on, as Node names them. */
export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export interface NodeSources {
  /** Downloaded binaries are kept here. */
  readonly cacheDir: string;
  /** The npm registry, should a binary not be installed; the one that npm is configured for unless given. */
  readonly registry?: string | undefined;
  /** For tests: instead of what is on the PATH. */
  readonly npm?: string;
  /** For tests: as if only these packages were installed. */
  readonly installed?: (name: string) => string | undefined;
  readonly lockFile?: string;
}

const DOWNLOAD_MS = 10 * 60_000;
const NPM_MS = 30_000;
const lockFile = fileURLToPath(new URL('../../../../package-lock.json', import.meta.url));

/**
 * The Node binary that agents of an architecture run on: from this installation, which has that of its own machine, else
 * from the npm registry, verified by the digest of the lock file.
 *
 * @returns the file and the licence beside it
 * @throws NodeBinaryError when it cannot be had
 */
export async function nodeBinary(
  arch: Architecture,
  sources: NodeSources,
): Promise<{ readonly binary: string; readonly licence: string }> {
  const name = `node-linux-${arch}`;
  const dir = (sources.installed ?? installedPackage)(name) ?? (await downloaded(name, sources));
  return { binary: join(dir, 'bin/node'), licence: join(dir, 'LICENSE') };
}

function installedPackage(name: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

async function downloaded(name: string, sources: NodeSources): Promise<string> {
  const { version, integrity } = await pinned(name, sources.lockFile ?? lockFile);
  const dir = join(sources.cacheDir, `${name}-${version}`);
  if (existsSync(join(dir, 'bin/node'))) return dir;
  const registry = sources.registry ?? (await configuredRegistry(name, sources.npm ?? 'npm'));
  const url = new URL(`${name}/-/${name}-${version}.tgz`, registry.endsWith('/') ? registry : `${registry}/`);
  const staging = join(sources.cacheDir, `${name}.${randomUUID()}`);
  await mkdir(staging, { recursive: true, mode: 0o700 });
  try {
    const file = join(staging, 'package.tgz');
    await fetchVerified(url, integrity, file, name);
    const wanted = new Set(['package/bin/node', 'package/LICENSE']);
    await pipeline(
      createReadStream(file),
      extract({ cwd: staging, strip: 1, filter: (path, entry) => wanted.has(path) && isFile(entry) }),
    );
    await rm(file);
    await rename(staging, dir).catch((error: unknown) => {
      // Somebody else was quicker.
      if (!existsSync(join(dir, 'bin/node'))) throw error;
    });
    return dir;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** What npm would ask: its variable, else what its files and defaults say. */
async function configuredRegistry(name: string, npm: string): Promise<string> {
  const said =
    process.env['npm_config_registry'] ??
    (await promisify(execFile)(npm, ['config', 'get', 'registry'], { timeout: NPM_MS }).then(
      ({ stdout }) => stdout,
      () => '',
    ));
  const registry = said.trim();
  if (!URL.canParse(registry))
    throw new NodeBinaryError(name, 'npm_config_registry names no registry, and npm knows of none');
  return registry;
}

function isFile(entry: object): boolean {
  return 'type' in entry && entry.type === 'File';
}

async function pinned(name: string, file: string): Promise<{ version: string; integrity: string }> {
  const lock = JSON.parse(await readFile(file, 'utf8')) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const entry = lock.packages[`node_modules/${name}`];
  if (!entry) throw new NodeBinaryError(name, 'package-lock.json does not name it');
  return entry;
}

async function fetchVerified(url: URL, integrity: string, file: string, name: string): Promise<void> {
  const hash = createHash('sha512');
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS) });
    if (!answer.ok || !answer.body) throw new Error(`${url.origin} answered ${answer.status}`);
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(undefined, chunk);
      },
    });
    await pipeline(Readable.fromWeb(answer.body), measure, createWriteStream(file, { mode: 0o600 }));
  } catch (error) {
    const cause = (error as Error & { cause?: { code?: string } }).cause?.code;
    throw new NodeBinaryError(name, cause ? `${url.origin}: ${cause}` : (error as Error).message, { cause: error });
  }
  if (`sha512-${hash.digest('base64')}` !== integrity)
    throw new NodeBinaryError(name, `what ${url.origin} gave is not what package-lock.json names`);
}
