import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { identityOf, isAlive, parseIdentity, parseStat, readBootId } from './identity.ts';
import { temporaryDirectory, until } from './testing.ts';

test('the name of a process may hold spaces and parentheses', () => {
  const rest = 'S 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2';
  expect(parseStat(`42 (tmux: (server) 1 R) ${rest}`)).toEqual({
    state: 'S',
    parentPid: 1,
    groupId: 77,
    startTime: 987_654,
  });
  expect(parseStat('42 (sh) S')).toBeUndefined();
});

test('a process is alive until it ends, a zombie is dead, and so is a process of another boot', async () => {
  // The shell becomes a program that never waits for its child: the child stays a zombie.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (text) => resolve(Number(text))));
    const child = identityOf(pid)!;
    expect(isAlive(child)).toBe(true);
    expect(isAlive({ ...child, startTime: child.startTime - 1 })).toBe(false);
    expect(isAlive(child, 'another boot')).toBe(false);
    await until('the child is dead', () => !isAlive(child));
    expect(identityOf(pid)).toBeUndefined();
  } finally {
    parent.kill('SIGKILL');
  }
});

test('the boot id can be taken from another file', () => {
  const root = temporaryDirectory('boot');
  writeFileSync(join(root.path, 'boot_id'), 'a-boot\n');
  expect(readBootId(join(root.path, 'boot_id'))).toBe('a-boot');
  root.remove();
});

test('a written identity is read back, anything else is not', () => {
  expect(parseIdentity('12 3456 boot\n')).toEqual({ pid: 12, startTime: 3456, bootId: 'boot' });
  expect(['', '12', '12 x boot', '12 34 boot more'].map(parseIdentity)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
