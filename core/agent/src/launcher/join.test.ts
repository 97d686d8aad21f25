import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXIT_CODES } from './errors.ts';

const script = join(import.meta.dirname, 'join.sh');
const there = (tool: string): boolean => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined;
const mustBeThere = process.env['CI'] === 'true';
const certificate = Buffer.from('the authority');
const pin = createHash('sha256').update(certificate).digest('hex');

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-join-'));
  await writeFile(
    join(dir, 'ca.pem'),
    `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
  );
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const good = (): Record<string, string> => ({
  server: '10.0.0.5:7071',
  enrol: '[fd00::5]:7072',
  ca: join(dir, 'ca.pem'),
  'ca-sha256': pin,
  name: 'zk1.example.org',
  root: join(dir, 'host'),
  address: '10.0.0.7',
  token: `syj_${'a'.repeat(43)}`,
});

function run(values: Record<string, string>, { shell = 'sh', more = [] as string[], env = {} } = {}) {
  const { token = '', ...flags } = values;
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  return spawnSync(shell, [script, ...args, ...more], {
    cwd: dir,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], STACKYARD_JOIN_TOKEN: token, ...env },
  });
}

describe('the scripts on hosts', () => {
  test.skipIf(!there('shellcheck') && !mustBeThere).each(['join.sh', 'launcher.sh'])(
    'shellcheck has nothing to say about %s',
    (name) => {
      const { status, stdout } = spawnSync('shellcheck', ['-s', 'dash', join(import.meta.dirname, name)], {
        encoding: 'utf8',
      });
      expect(stdout).toBe('');
      expect(status).toBe(0);
    },
  );

  test('the script and the agent mean the same by their exit codes', () => {
    const text = readFileSync(script, 'utf8');
    const assigned = [...text.matchAll(/^(?:usage|not_running|not_\w+)=.*$/gm)].join(' ');
    const found = Object.fromEntries(
      [...assigned.matchAll(/(\w+)=(\d+)/g)].map(([, name = '', code]) => [name.toUpperCase(), Number(code)]),
    );
    expect(Object.keys(found).length).toBe(9);
    expect(EXIT_CODES).toMatchObject(found);
  });
});

const hostile = [
  '',
  '$(touch canary)',
  '`touch canary`',
  ';touch canary;',
  '|touch canary',
  '&& touch canary',
  "'; touch canary; '",
  '"; touch canary; "',
  '\n touch canary',
  'a\ntouch canary',
  '-h',
  '--remove',
  '../../../etc/passwd',
  '/etc/../etc',
  '*',
  '~root',
  '${IFS}touch${IFS}canary',
  'x y',
  '\u0007',
  'é',
  'a'.repeat(300),
];
const fields = ['server', 'enrol', 'ca', 'ca-sha256', 'name', 'root', 'address', 'token'];
const tolerated: Readonly<Record<string, readonly string[]>> = {
  // Without one, the name is the address.
  address: [''],
  // A file that is there, and then is not the authority.
  ca: ['../../../etc/passwd'],
};

describe('the join script', () => {
  test.each(fields)('refuses every malformed --%s and runs nothing of it', async (field) => {
    for (const shell of ['dash', 'bash'].filter((name) => there(name) || name === 'dash')) {
      for (const value of hostile) {
        if (tolerated[field]?.includes(value)) continue;
        const { status, stderr } = run({ ...good(), [field]: value }, { shell });
        expect([field, value, status]).toEqual([field, value, EXIT_CODES.USAGE]);
        expect(stderr).toMatch(/^stackyard: .*\n$/);
      }
    }
    expect(await readdir(dir)).toEqual(['ca.pem']);
  });

  test.each(['10.0.0.5', '10.0.0.5:0', '10.0.0.5:70000', 'http://x:80', '[::1:80', ':80', 'a:b:80'])(
    'does not take %s for an endpoint',
    (value) => {
      expect(run({ ...good(), server: value }).status).toBe(EXIT_CODES.USAGE);
    },
  );

  test('refuses an authority that is not the pinned one, before it speaks to anybody', () => {
    const { status, stderr } = run({ ...good(), 'ca-sha256': '0'.repeat(64) });
    expect([status, stderr]).toEqual([EXIT_CODES.DIGEST, expect.stringContaining('Somebody may be in between')]);
    expect(existsSync(join(dir, 'host/opt'))).toBe(false);
  });

  test('refuses a bundle whose digest differs, and leaves nothing behind', async () => {
    await writeFile(join(dir, 'bundle'), 'x');
    const bundle = ['--bundle', join(dir, 'bundle'), '--bundle-sha256', '0'.repeat(64)];
    const { status, stderr } = run(good(), { more: bundle });
    expect([status, stderr]).toEqual([EXIT_CODES.DIGEST, expect.stringContaining('its digest differs')]);
    expect(existsSync(join(dir, 'host/opt/stackyard-agent'))).toBe(false);
  });

  test('says which tools a host lacks', async () => {
    const bin = join(dir, 'bin');
    await mkdir(bin);
    for (const tool of ['id', 'tar', 'gzip', 'sha256sum', 'mktemp', 'df', 'uname', 'readlink', 'cut', 'grep']) {
      const { stdout } = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' });
      await symlink(stdout.trim(), join(bin, tool));
    }
    // The script looks into the usual places too, so it is shown a file without them.
    const copy = join(dir, 'join.sh');
    await writeFile(copy, readFileSync(script, 'utf8').replace(/^PATH=.*$/m, `PATH=${bin}`));
    await chmod(copy, 0o755);
    const args = Object.entries(good())
      .filter(([name]) => name !== 'token')
      .flatMap(([name, value]) => [`--${name}`, value]);
    const { status, stderr } = spawnSync('/bin/sh', [copy, ...args], {
      encoding: 'utf8',
      env: { STACKYARD_JOIN_TOKEN: good()['token'] },
    });
    expect([status, stderr]).toEqual([
      EXIT_CODES.TOOLS_MISSING,
      'stackyard: Missing here: setsid flock setpriv fallocate. Install tar, gzip, coreutils and util-linux.\n',
    ]);
  });

  test('removing an agent that is not there is no mistake', () => {
    const { status, stdout } = spawnSync('sh', [script, '--remove', '--root', dir], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, `stackyard: There is no agent below ${dir}.\n`]);
  });
});
