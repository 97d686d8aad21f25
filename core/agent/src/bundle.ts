import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OutputOptions } from 'rolldown';

/** The agent in a few files without dependencies; it takes a quarter less memory than its sources. */
export interface AgentBundle {
  readonly dir: string;
  /** Run it by Node with the agent's arguments. */
  readonly main: string;
}

const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, '../../..');

/** What ends up in the bundle: a change in any of it makes another one. */
const SOURCES = ['proto', 'sdk/package.json', 'sdk/src', 'core/domain/src', 'core/agent/src', 'package-lock.json'];

interface Program {
  readonly format: 'esm' | 'cjs';
  readonly entries: Readonly<Record<string, string>>;
}

/**
 * What runs in one process is built together: it shares its code. Runners start often: as CommonJS they take a quarter less
 * time, since an import of a module of Node also loads what that module has for rare use, such as `fetch`.
 */
const PROGRAMS: readonly Program[] = [
  { format: 'esm', entries: { agent: 'main.ts' } },
  { format: 'cjs', entries: { runner: 'spool/runnerMain.ts', job: 'phases/job.ts' } },
];

/**
 * Builds the agent's bundle unless it was built from the same sources before; below `dist/bundle` unless told. Several
 * may build at once: one of them wins.
 */
export async function buildBundle(parent: string = join(here, '../dist/bundle')): Promise<AgentBundle> {
  const dir = join(parent, await digestOfSources());
  const bundle = { dir, main: join(dir, 'agent.mjs') };
  if (existsSync(bundle.main)) {
    await utimes(dir, new Date(), new Date());
    return bundle;
  }
  await mkdir(parent, { recursive: true });
  const staging = await mkdtemp(`${dir}.`);
  try {
    await Promise.all(PROGRAMS.map((program) => bundleOne(program, staging)));
    await copyFile(join(here, 'processes/keeper.sh'), join(staging, 'keeper.sh'));
    await writeFile(join(staging, 'package.json'), '{ "type": "module" }\n');
    await rename(staging, dir).catch((error: unknown) => {
      if (!existsSync(bundle.main)) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return bundle;
}

async function bundleOne({ format, entries }: Program, dir: string): Promise<void> {
  // Loaded only here: it is native code that a running agent has no use for.
  const { rolldown } = await import('rolldown');
  const [name = ''] = Object.keys(entries);
  const isAgent = name === 'agent';
  const extension = format === 'esm' ? 'mjs' : 'cjs';
  const bundle = await rolldown({
    input: Object.fromEntries(Object.entries(entries).map(([entry, file]) => [entry, join(here, file)])),
    platform: 'node',
    resolve: { conditionNames: ['@stackyard/source', 'module', 'node', 'import', 'default'] },
    logLevel: 'silent',
  });
  try {
    const output: OutputOptions = {
      dir,
      entryFileNames: `[name].${extension}`,
      chunkFileNames: `${name}-[name].${extension}`,
      format,
      minify: true,
      comments: false,
    };
    if (isAgent) output.banner = ({ isEntry }) => (isEntry ? `globalThis.STACKYARD_PROTO_JSON=${proto};` : '');
    const proto = isAgent ? await protoJson() : '';
    await bundle.write(output);
  } finally {
    await bundle.close();
  }
}

/** The parsed agent.proto: in a bundle no file lies beside the code. */
async function protoJson(): Promise<string> {
  const { default: protobuf } = (await import('protobufjs')) as unknown as {
    default: { loadSync(file: string): { toJSON(): unknown } };
  };
  return JSON.stringify(protobuf.loadSync(join(repository, 'proto/agent.proto')).toJSON());
}

/**
 * An agent is idle nearly always: small young generation, few threads, one arena, and no optimising compilers, whose code
 * alone is 8 MB. Together 17 of 92 MB; logs flow as fast as before (measured).
 */
export const NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=1',
  '--optimize-for-size',
  '--v8-pool-size=1',
  '--no-opt',
  '--no-maglev',
];

/** How to run the agent of a bundle in a process of its own, with little memory. Append the agent's arguments. */
export function bundleCommand({ main }: AgentBundle): {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  return { file: process.execPath, args: [...NODE_FLAGS, main], env: { MALLOC_ARENA_MAX: '1' } };
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  for (const source of SOURCES) {
    const path = join(repository, source);
    const files = source.includes('.') ? [path] : await filesBelow(path);
    for (const file of files) hash.update(file.slice(repository.length)).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\/(node_modules|dist|reports)\//.test(path))
    .toSorted();
}
