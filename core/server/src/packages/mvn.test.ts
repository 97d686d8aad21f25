import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explain, runMaven } from './mvn.ts';

const run = { package: 'zookeeper 3.9.4', exit: 'exit code 1', cwd: '/srv/packages' };

// As Maven 3.8 and 3.9 print them.
test.each([
  [
    '[ERROR] Failed to execute goal on project x: Could not resolve dependencies for project s:x:pom:1: Could not find artifact jline:jline:jar:9.9 in central (https://r/) -> [Help 1]',
    'jline:jline:jar:9.9 was not found in any repository',
  ],
  [
    '[ERROR] Could not resolve dependencies for project s:x:pom:1: Failure to find g:a:jar:1 in https://r/ was cached in the local repository',
    'g:a:jar:1 was not found in any repository',
  ],
  [
    '[ERROR] Could not resolve dependencies: g:a:jar:1 was not found in https://r/ during a previous attempt.',
    'g:a:jar:1 was not found in any repository',
  ],
  [
    "\u001B[31m[ERROR]\u001B[m Non-resolvable import POM: Could not find artifact g:bom:pom:1 in central\n[ERROR] 'dependencies.dependency.version' for g:a:jar is missing. @ line 6",
    'g:bom:pom:1 was not found in any repository',
  ],
  [
    "[ERROR] 'dependencies.dependency.version' for g:a:jar is missing. @ line 6\n[ERROR] 'dependencies.dependency.version' for g:b:jar is missing. @ line 7",
    'g:a:jar, g:b:jar has no version, also not in the bom',
  ],
  [
    '[ERROR] Could not transfer artifact g:a:jar:1 from/to central (https://r/): r: Name or service not known',
    'g:a:jar:1 could not be fetched from its repository',
  ],
])('what Maven says becomes a sentence with the coordinate: %#', (output, says) => {
  expect(explain(output, run)).toMatchObject({ code: 'PACKAGE_MAVEN_COORDINATE' });
  expect(explain(output, run).message).toContain(`Package zookeeper 3.9.4 cannot be built: ${says}.`);
});

test('a full disk under Maven is called so', () => {
  expect(explain('java.io.IOException: No space left on device', run).message).toContain('/srv/packages is full');
});

test('any other failure shows its first errors', () => {
  expect(explain('noise\n[ERROR] The JAVA_HOME environment is wrong\n[ERROR] \n[ERROR] -> [Help 1]', run).message).toBe(
    'Package zookeeper 3.9.4 cannot be built: Maven ended with exit code 1. Its output says: [ERROR] The JAVA_HOME environment is wrong',
  );
});

test('what Maven says itself is told, without what it says of every error', () => {
  const output = `[INFO] BUILD FAILURE
[ERROR] Plugin p:1 or one of its dependencies could not be resolved: Connect to r.example:443 failed -> [Help 1]
[ERROR] 
[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.
[ERROR] Re-run Maven using the -X switch to enable full debug logging.
[ERROR] 
[ERROR] For more information about the errors and possible solutions, please read the following articles:
[ERROR] [Help 1] http://wiki/PluginResolutionException`;
  expect(explain(output, run).message).toContain(
    'Its output says: [ERROR] Plugin p:1 or one of its dependencies could not be resolved: Connect to r.example:443 failed',
  );
  expect(explain(output, run).message).not.toMatch(/stack trace|Re-run|Help/);
});

test('a machine without Maven gets one sentence', async () => {
  await withFolder(async (cwd) => {
    await expect(runMaven([], { ...options(cwd), command: 'no-such-mvn' })).rejects.toThrow(
      /the command "no-such-mvn" was not found\. Install Maven and a JDK/,
    );
  });
});

test('a cancelled or endless run is ended with everything it started', async () => {
  await withFolder(async (cwd) => {
    const command = join(cwd, 'endless');
    await writeFile(command, '#!/bin/sh\nsleep 1000 &\necho $! > started\nwait\n', { mode: 0o755 });
    const ends = { cancelled: new AbortController(), 'timed out': new AbortController() };
    for (const [how, abort] of Object.entries(ends)) {
      const run = runMaven([], { ...options(cwd), command, signal: abort.signal, timeoutMs: 1_000 });
      const outcome = run.catch((error: unknown) => error);
      const pid = await startedProcess(cwd);
      if (how === 'cancelled') abort.abort(new Error('not now'));
      expect(`${await outcome}`).toContain(how === 'cancelled' ? 'not now' : 'a time-out after 1 s');
      await expect.poll(() => isRunning(pid)).toBe(false);
      await rm(join(cwd, 'started'));
    }
    await expect(runMaven([], { ...options(cwd), signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      'before',
    );
  });
});

/** A killed process that nobody has waited for yet is still listed, as Z. */
function isRunning(pid: string): boolean {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
  return stat !== '' && !/\) [ZX] /.test(stat);
}

async function startedProcess(cwd: string): Promise<string> {
  const read = () => (existsSync(join(cwd, 'started')) ? readFileSync(join(cwd, 'started'), 'utf8').trim() : '');
  await expect.poll(read).not.toBe('');
  return read();
}

function options(cwd: string) {
  return { package: 'x 1', cwd, command: 'mvn', timeoutMs: 60_000, signal: new AbortController().signal };
}

async function withFolder(use: (cwd: string) => Promise<void>): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'mvn-'));
  try {
    await use(cwd);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
