import { spawn } from 'node:child_process';
import { copyFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import type { StartOptions } from '@stackyard/server';

type AgentSoftware = NonNullable<StartOptions['agentSoftware']>;

const bin = fileURLToPath(new URL('../../bin/stackyard.mjs', import.meta.url));

/**
 * The agent of this installation, for the server to give to hosts. It is packed in a process of its own: the bundler and
 * the compressor would stay in the server's memory.
 */
export function packagedAgent(cacheDir: string): AgentSoftware {
  let described: Promise<{ readonly version: string; readonly joinScript: string }> | undefined;
  const describe = async (): Promise<{ readonly version: string; readonly joinScript: string }> => {
    described ??= ask([]).catch((error: unknown) => {
      described = undefined;
      throw error;
    });
    return described;
  };
  const ask = async (more: readonly string[]): Promise<{ readonly version: string; readonly joinScript: string }> => {
    const args = ['agent', 'bundle', '--cache', cacheDir, '-o', 'json', ...more];
    const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const [code, out, said] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    if (code !== 0) throw new Error(said.replace(/^✗ /, '').trim());
    return JSON.parse(out) as { version: string; joinScript: string };
  };
  return {
    version: async () => (await describe()).version,
    joinScript: async () => (await describe()).joinScript,
    pack: async (architecture, file) => void (await ask(['--arch', architecture, '--out', file])),
  };
}

const BUNDLE = /^([A-Za-z0-9][A-Za-z0-9._+-]*)-(x64|arm64)\.tar\.gz$/;

/** Bundles that lie in a folder, packed earlier or elsewhere, in place of one's own; the newest file says which version. */
export function givenAgents(own: AgentSoftware, folder: string | undefined): AgentSoftware {
  if (folder === undefined) return own;
  const newest = async (): Promise<string> => {
    const files = (await readdir(folder)).filter((name) => BUNDLE.test(name));
    const aged = await Promise.all(files.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })));
    const [, version] = BUNDLE.exec(aged.toSorted((a, b) => b.at - a.at)[0]?.name ?? '') ?? [];
    if (version === undefined) throw new Error(`${folder} has no bundle: put VERSION-x64.tar.gz there.`);
    return version;
  };
  return {
    version: newest,
    joinScript: () => own.joinScript(),
    pack: async (architecture, file) => copyFile(join(folder, `${await newest()}-${architecture}.tar.gz`), file),
  };
}
