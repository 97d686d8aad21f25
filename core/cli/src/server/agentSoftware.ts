import { spawn } from 'node:child_process';
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
