import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { joinCommand } from './joinCommand.ts';

const line = joinCommand({
  token: `syj_${'t'.repeat(43)}`,
  hostName: 'zk1.example.org',
  expiresAt: '2026-01-01T00:00:00Z',
  server: '10.0.0.5:7071',
  enrolment: '10.0.0.5:7072',
  authoritySha256: 'a'.repeat(64),
});
const shellcheck = spawnSync('shellcheck', ['--version'], { stdio: 'ignore' }).error === undefined;

test('the line that joins a host is one line, and its token is in no argument', () => {
  expect(line).not.toContain('\n');
  expect(line.match(/syj_t+/g)).toHaveLength(1);
  expect(line).toContain(`STACKYARD_JOIN_TOKEN=syj_${'t'.repeat(43)} sh "$d/join.sh" --server`);
});

test('nothing is fetched by it without the pinned authority but that authority', () => {
  const [unpinned = '', ...pinned] = line.split(`= ${'a'.repeat(64)} ]`);
  expect(new Set(unpinned.match(/https:\/\/[^\s;]+/g))).toEqual(new Set(['https://10.0.0.5:7072/ca.pem']));
  for (const fetched of pinned.join('').match(/(?:curl|wget)[^|;]*/g) ?? [])
    expect(fetched).toMatch(/--cacert|--ca-certificate/);
});

test('a server that does not answer, or another one, ends it with a sentence', () => {
  const nobody = line.replaceAll('10.0.0.5:7072', '127.0.0.1:1');
  const { status, stderr } = spawnSync('dash', ['-c', nobody], { encoding: 'utf8' });
  expect(status).not.toBe(0);
  expect(stderr).toContain('https://127.0.0.1:1 is not the server this line was made by, or is out of reach.');
});

test.skipIf(!shellcheck && process.env['CI'] !== 'true')('shellcheck has nothing to say about it', () => {
  const { stdout } = spawnSync('shellcheck', ['-s', 'sh', '-'], { input: `${line}\n`, encoding: 'utf8' });
  expect(stdout).toBe('');
});
