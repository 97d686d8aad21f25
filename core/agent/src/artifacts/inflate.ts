import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { DownloadFailedError } from '../errors.ts';

/** "nobody", whatever it is called here. */
const NOBODY = 65_534;

/**
 * What runs in the child. It gives its rights away before it reads a byte; what it inflates goes out by its standard
 * output, so it needs no file and no directory.
 */
const CHILD = `
process.setgroups([]);
process.setgid(${NOBODY});
process.setuid(${NOBODY});
const { createInflateRaw } = await import('node:zlib');
const { pipeline } = await import('node:stream/promises');
let given = 0;
process.stdin.on('data', ({ length }) => { given += length; });
const inflate = createInflateRaw();
await pipeline(process.stdin, inflate, process.stdout);
if (inflate.bytesWritten !== given) process.exitCode = 3;
`;

/**
 * Inflates what a stranger has deflated: where the agent is root, in a process without rights, because that is the one
 * step of unpacking that is not memory-safe.
 */
export async function* inflateApart(
  deflated: Buffer,
  asRoot: boolean = process.getuid?.() === 0,
): AsyncGenerator<Buffer> {
  if (asRoot) yield* inflateInChild(deflated);
  else yield* (await import('@stackyard/sdk/artifact/unpack')).inflateHere(deflated);
}

async function* inflateInChild(deflated: Buffer): AsyncGenerator<Buffer> {
  const node = [process.execPath, '--permission', '--input-type=module', '--eval', CHILD];
  const child = spawn('setpriv', ['--no-new-privs', '--', ...node], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const said = buffer(child.stderr);
  ended.catch(() => undefined);
  said.catch(() => undefined);
  // It may be gone before it has read everything; its exit code says so.
  child.stdin.on('error', () => undefined);
  child.stdin.end(deflated);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const [code] = await ended;
    if (code === 3) throw new Error('something follows its end');
    if (code !== 0) throw new Error(`it cannot be unpacked: ${lastLine((await said).toString())}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === 'spawn setpriv')
      throw new DownloadFailedError('The artifact of the stack', 'there is no setpriv to unpack it without rights', {
        cause: error,
      });
    throw error;
  } finally {
    child.kill('SIGKILL');
  }
}

function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => /^\w*Error: /.test(line));
  return lines.at(-1)?.slice(0, 200) ?? 'it is damaged or cut off';
}
