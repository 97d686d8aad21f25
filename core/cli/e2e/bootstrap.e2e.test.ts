import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startTestPostgres, type TestPostgres } from '@stackyard/server/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOST_ROOT, missingForSshHosts, SshHosts } from './sshHosts.ts';
import { until, World } from './world.ts';

/** Hosts brought in over a real sshd, each in a network namespace of its own, by the commands that operators type. */
const cli = fileURLToPath(new URL('../bin/stackyard.mjs', import.meta.url));
const missing = process.env['CI'] === 'true' ? undefined : missingForSshHosts();
const accounts = { rootPassword: 'canary-root-7f1d', opsPassword: 'canary-ops-93be' };
const passphrase = 'canary-phrase-11c7';

describe.skipIf(missing !== undefined)(
  `hosts brought in over SSH (${missing === undefined ? 'real' : `needs root, sshd, iproute2; missing: ${missing}`})`,
  () => {
    let postgres: TestPostgres;
    let databaseUrl: string;
    let hosts: SshHosts;
    let world: World;
    const file = (name: string): string => join(hosts.dir, name);

    beforeAll(async () => {
      hosts = await SshHosts.start(['n1', 'n2'], accounts);
      postgres = await startTestPostgres('separate');
      databaseUrl = await postgres.createDatabase();
      world = await World.start({
        stacks: ['examples/mock-stack'],
        hosts: [],
        databaseUrl,
        env: { STACKYARD_SERVER_AGENTS_HOST: hosts.gateway },
      });
      await writeFile(file('root-password'), `${accounts.rootPassword}\n`, { mode: 0o600 });
      await writeFile(file('ops-password'), `${accounts.opsPassword}\n`, { mode: 0o600 });
      await writeFile(file('phrase'), `${passphrase}\n`, { mode: 0o600 });
      await writeFile(file('wrong'), 'wrong\n', { mode: 0o600 });
    });
    afterAll(async () => {
      await world?.close();
      await hosts?.close();
      await postgres?.stop();
    });

    async function stackyard(...args: string[]): Promise<{ code: number; out: string; err: string }> {
      const { url, token } = world.api;
      const env = { ...process.env, XDG_CONFIG_HOME: world.dir, STACKYARD_URL: url, STACKYARD_TOKEN: token };
      const child: ChildProcess = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const [out, err, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
      return { code: code as number, out, err };
    }

    const target = (name: string): string => `${name}=${hosts.host(name).address}`;
    const bootstrap = (...args: string[]) => stackyard('host', 'bootstrap', '--root', HOST_ROOT, '--yes', ...args);
    const reachable = async (): Promise<string[]> => {
      const { items } = await world.api.get<{ items: { name: string; reachable: boolean }[] }>('/hosts?limit=500');
      return items.filter((host) => host.reachable).map(({ name }) => name);
    };

    test('a wrong password and a machine that is not there are told as such, and nobody is brought in', async () => {
      const { code, err } = await bootstrap(
        target('n1'),
        `n9=${hosts.gateway.replace(/1$/, '99')}`,
        '--password-file',
        file('wrong'),
        '--yes',
      );
      expect(code).toBe(5);
      expect(err).toContain('does not let this user in with this login');
      expect(err).toMatch(/SSH does not answer at 10\.\d+\.\d+\.99, port 22/);
      expect(await reachable()).toEqual([]);
    });

    test('two hosts come in by one command, each under its own agent that goes on by itself', async () => {
      const { code, err } = await bootstrap(
        `n[1-2]=${hosts.host('n1').address.replace(/\d+$/, '1[1-2]')}`,
        '--password-file',
        file('root-password'),
      );
      expect({ code, err }).toMatchObject({ code: 0 });
      expect(err).toMatch(/✓ n1 {2}It has joined, with version 0\.1\.0-[0-9a-f]{12}\./);
      expect(await reachable()).toEqual(['n1', 'n2']);
      for (const name of ['n1', 'n2']) {
        const status = hosts.run(name, `sh ${HOST_ROOT}/opt/stackyard-agent/current/launcher.sh status`);
        expect(status).toMatchObject({ status: 0, output: expect.stringContaining('has reached the server') });
        // It opens no port: nothing listens but the test's own sshd.
        const listening =
          hosts.run(name, 'cat /proc/net/tcp /proc/net/tcp6').output.match(/^ *\d+: \S+:\S+ \S+ 0A /gm) ?? [];
        expect(listening).toHaveLength(1);
      }
      expect(spawnSync('sh', ['-c', 'ls -d /tmp/stackyard-bootstrap-* 2>/dev/null'], { encoding: 'utf8' }).stdout).toBe(
        '',
      );
    });

    test('a service runs on hosts that came in so', async () => {
      await world.api.post('/clusters', { name: 'c', hosts: ['n1', 'n2'] });
      const job = await world.api.run('c', {
        command: 'add',
        services: [{ service: 'mock', components: { worker: ['n1', 'n2'], follower: ['n1'] } }],
      });
      if (job.state !== 'SUCCESSFUL') throw new Error(await world.api.story(job.id));
      expect(new Set((await world.api.tasks(job.id)).map(({ host }) => host))).toEqual(new Set(['n1', 'n2']));
    });

    test('a host that is there already is left as it is, and its name is not given to another', async () => {
      const again = await bootstrap(target('n1'), '--password-file', file('root-password'));
      expect(again).toMatchObject({ code: 0, err: expect.stringContaining('It has joined before') });
      const taken = await bootstrap(`n1=${hosts.host('n2').address}`, '--password-file', file('root-password'));
      expect(taken).toMatchObject({ code: 5, err: expect.stringContaining('A host called n1 is connected already') });
    });

    test('a host key that changed is refused loudly until it is forgotten', async () => {
      await hosts.restart('n2', { newKey: true });
      const refused = await bootstrap(target('n2'), '--password-file', file('root-password'));
      expect(refused).toMatchObject({ code: 5, err: expect.stringContaining('HAS CHANGED') });
      expect((await stackyard('host', 'forget-key', hosts.host('n2').address)).code).toBe(0);
      const confirmed = await bootstrap(target('n2'), '--password-file', file('root-password'));
      expect(confirmed).toMatchObject({ code: 0, err: expect.stringContaining('It has joined before') });
    });

    const remove = async (name: string): Promise<void> => {
      const script = `${HOST_ROOT}/opt/stackyard-agent/current/join.sh`;
      const { status, output } = hosts.run(name, `sh ${script} --remove --root ${HOST_ROOT}`);
      if (status !== 0) throw new Error(output);
      await until(`${name} is gone`, async () => !(await reachable()).includes(name));
    };
    const asOps = (): string[] => ['--user', 'ops', '--key', file('key'), '--passphrase-file', file('phrase')];

    test('an agent is taken from a host without touching what runs there', async () => {
      const before = hosts.run('n2', `ls ${HOST_ROOT}/var/lib/stackyard/components`).output;
      await remove('n2');
      expect(
        hosts.run('n2', `ls ${HOST_ROOT}/opt/stackyard-agent ${HOST_ROOT}/var/lib/stackyard/agent`).status,
      ).not.toBe(0);
      expect(hosts.run('n2', `ls ${HOST_ROOT}/var/lib/stackyard/components`).output).toBe(before);
    });

    test('what a user may not do is told: writing without sudo, sudo with a wrong password', async () => {
      spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', file('key')]);
      await writeFile(file('authorized_keys'), await readFile(file('key.pub')));
      const plain = await bootstrap(target('n2'), ...asOps());
      expect(plain).toMatchObject({ code: 5, err: expect.stringContaining('by this user. Run this as root') });
      const wrong = await bootstrap(target('n2'), ...asOps(), '--sudo', '--sudo-password-file', file('wrong'));
      expect(wrong).toMatchObject({ code: 5, err: expect.stringContaining('does not take the password of ops') });
    });

    test('what failed is tried again alone, by a key with a passphrase and sudo with a password', async () => {
      await hosts.stop('n2');
      const failed = await bootstrap(target('n1'), target('n2'), '--password-file', file('root-password'));
      expect(failed).toMatchObject({ code: 5, err: expect.stringContaining('1 of 2 hosts were not brought in') });
      const [, id = ''] = /--retry ([0-9a-f-]{36})/.exec(failed.err) ?? [];
      await hosts.restart('n2');
      const again = await bootstrap('--retry', id, ...asOps(), '--sudo', '--sudo-password-file', file('ops-password'));
      expect(again).toMatchObject({
        code: 0,
        err: expect.stringMatching(/✓ n2 {2}It has joined, with version/),
      });
      expect(again.err).not.toContain('n1');
      expect(await reachable()).toEqual(['n1', 'n2']);
    });

    test.each([
      ['curl', '/usr/bin/wget'],
      ['wget', '/usr/bin/curl'],
    ])('the line of "host add" joins a host by %s, and a second time repairs it', async (_with, hidden) => {
      await remove('n2');
      const { out } = await stackyard('host', 'rejoin', 'n2');
      expect(out).toContain('--name n2');
      // What cannot be run is not found: a host without curl.
      const line = `mount --bind /dev/null ${hidden} || exit 99\n${out.replace('--name n2', `--name n2 --root ${HOST_ROOT}`)}`;
      const joined = hosts.run('n2', `unshare -m sh <<'END'\n${line}\nEND`);
      expect(joined).toMatchObject({ status: 0, output: expect.stringContaining('n2 has joined, with version') });
      expect(await reachable()).toEqual(['n1', 'n2']);
      const again = hosts.run('n2', out.replace('--name n2', `--name n2 --root ${HOST_ROOT}`));
      expect(again).toMatchObject({ status: 0, output: expect.stringContaining('this machine has joined before') });
    });

    test('no credential was kept: not in the data directory, not in the database, not in a log', async () => {
      const canaries = [
        ...Object.values(accounts),
        passphrase,
        'PRIVATE KEY',
        ...(await readFile(file('key'), 'utf8')).split('\n').slice(1, 4),
      ];
      const kept = `${await databaseText()}\n${await filesBelow(world.dataDir)}\n${await world.serverLog()}`;
      expect(kept).toContain('"user":"ops"');
      // The authority's key and the agents' are meant to be where they are; everything else of the kind is not.
      expect(canaries.filter((canary) => canary !== 'PRIVATE KEY' && kept.includes(canary))).toEqual([]);
      const agents = ['n1', 'n2'].map((name) => join(hosts.host(name).dir, 'root/var/log'));
      for (const dir of agents)
        for (const canary of canaries) expect((await filesBelow(dir)).includes(canary)).toBe(false);
    });

    async function databaseText(): Promise<string> {
      const client = new Client({ connectionString: databaseUrl });
      await client.connect();
      try {
        const { rows } = await client.query<{ name: string }>(
          "select tablename as name from pg_tables where schemaname = 'public'",
        );
        const texts: string[] = [];
        for (const { name } of rows) {
          const { rows: all } = await client.query<{ row: object }>(`select row_to_json(t) as row from "${name}" t`);
          texts.push(JSON.stringify(all));
        }
        return texts.join('\n');
      } finally {
        await client.end();
      }
    }

    async function filesBelow(dir: string): Promise<string> {
      const entries = await readdir(dir, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.tar.gz'));
      const texts = await Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')));
      return texts.join('\n');
    }
  },
);
