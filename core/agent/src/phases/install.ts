import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { configDir, logDir } from '@stackyard/sdk/render';
import { PhaseError } from '../errors.ts';
import { RECORD_FILE } from '../packages/record.ts';
import { takeLock } from '../processes/lock.ts';
import { dataDirsOf, packagesOf, type PhaseContext, runtimeOf, type UnpackedPackage } from './context.ts';
import { rememberDataDirs, safeDataDir } from './dataDirs.ts';
import { ensureUser, makeDirectory, makeLogDirectory, ownerOf } from './files.ts';
import { installOsPackages } from '../osPackages/install.ts';
import { packageUsersDir } from './packageUsers.ts';

const LOCK_WAIT_MS = 600_000;

/** Puts on the host what the component needs: the JDK is there, packages are unpacked, user and directories are made. */
export async function install(context: PhaseContext, archives: Readonly<Record<string, string>>): Promise<void> {
  await bringJava(context, archives);
  checkJava(context);
  await installOsPackages(context);
  await ensureUser(context);
  for (const each of packagesOf(context)) await unpackOnce(context, each, archives[each.name]);
  await makeDirectories(context);
}

/** Unpacks the Java that the server brings where no JDK of the host suits; a newer one when the server has that by now. */
export async function bringJava(context: PhaseContext, archives: Readonly<Record<string, string>>): Promise<void> {
  const runtime = runtimeOf(context);
  if (runtime && (context.phase === 'install' || archives[runtime.name] !== undefined))
    await unpackOnce(context, runtime, archives[runtime.name]);
}

function checkJava(context: PhaseContext): void {
  const { jdk } = context.service.requires;
  if (!jdk) return;
  const { javaHome, host } = context.inputs.self;
  if (!javaHome) {
    throw new PhaseError(
      `${context.service.title} needs a JDK ${jdk}, and none is known on host ${host}. Install one there; a minute later plan the command again.`,
    );
  }
  if (!existsSync(join(javaHome, 'bin/java'))) {
    throw new PhaseError(
      `The JDK of host ${host} is no longer in ${javaHome}. Wait a minute, then plan the command again.`,
    );
  }
  context.log(`Found a JDK ${jdk} in ${javaHome}.`);
}

/** Several components of a host may use one package, and several runners may want it now: one of them unpacks it. */
async function unpackOnce(
  context: PhaseContext,
  { name, version, dir, root }: UnpackedPackage,
  archive: string | undefined,
): Promise<void> {
  const digest = context.order.packages[name]?.digest;
  if (!digest)
    throw new PhaseError(`The server named no archive for package ${name} ${version}. Plan the command again.`);
  const users = packageUsersDir(dir);
  await mkdir(dirname(users), { recursive: true, mode: 0o755 });
  const lock = await takeLock(`${users}.lock`, { waitMs: LOCK_WAIT_MS });
  try {
    await mkdir(users, { recursive: true, mode: 0o755 });
    await writeFile(join(users, context.inputs.self.hostComponentId), '');
    const there = existsSync(join(dir, RECORD_FILE));
    if (!there && archive === undefined) {
      throw new PhaseError(`The archive of package ${name} ${version} is not on this host. Retry the task.`);
    }
    // Loaded when it is needed: few tasks unpack anything, and every runner would start later for it.
    const { unpackPackage } = await import('../packages/unpack.ts');
    const unpacked = await unpackPackage({
      name: `${name} ${version}`,
      archive: archive ?? '',
      digest,
      into: dir,
      signal: context.signal,
      ...(root === undefined ? {} : { root }),
    });
    const files = `${unpacked.files} file${unpacked.files === 1 ? '' : 's'}`;
    context.log(
      there
        ? `${name} ${version} is in ${dir} already (${files}).`
        : `Unpacked ${name} ${version} (${files}) into ${dir}.`,
    );
    // What was unpacked need not lie here twice.
    if (archive !== undefined) await rm(archive, { force: true });
  } finally {
    lock.release();
  }
}

async function makeDirectories(context: PhaseContext): Promise<void> {
  const { self } = context.inputs;
  await mkdir(context.dir, { recursive: true, mode: 0o700 });
  const kept = (await makeDataDirs(context)).filter(({ there }) => there);
  for (const { path } of kept) context.log(`The data directory ${path} is there already; what is in it is kept.`);
  await makeDirectory(configDir(self), { mode: 0o755 });
  await makeLogDirectory(logDir(self), await ownerOf(context));
}

/** Makes the data directories. After install only what a changed value has added: a product may have changed modes. */
export async function makeDataDirs(context: PhaseContext): Promise<readonly { path: string; there: boolean }[]> {
  const owner = await ownerOf(context);
  const data = dataDirsOf(context).map((path) => ({ path, there: existsSync(path) }));
  for (const { path } of data) await safeDataDir(path, context.inputs.self.root);
  await rememberDataDirs(
    context.dir,
    data.map(({ path }) => path),
  );
  for (const { path, there } of data) {
    if (there && context.phase !== 'install') continue;
    await makeDirectory(path, { mode: 0o750, owner });
    if (!there) context.log(`Made the data directory ${path}.`);
  }
  return data;
}
