import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDatabase, startTestPostgres, type TestPostgres, testPostgresKinds } from '@stackyard/server/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobAnswer, ProblemAnswer } from './api.ts';
import { World } from './world.ts';

/** Texts that are nowhere else in the world. */
const canary = (name: string): string => `Kanarie-${name}-&<'"$ü-${process.pid}x${Math.floor(Math.random() * 1e9)}`;

/** How a secret may look like somewhere: as it is, in base64 (at any place in it), escaped for URLs, JSON and XML. */
function marksOf(secret: string): string[] {
  return secret.split('\n').flatMap((line) => {
    const tail = line.slice(line.lastIndexOf('-') + 1);
    const base64 = [0, 1, 2].map((at) =>
      Buffer.from('x'.repeat(at) + line)
        .toString('base64')
        .slice(4, -4),
    );
    return [line, tail, ...base64];
  });
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe.each(testPostgresKinds())('secrets, with a database on %s PostgreSQL', (kind) => {
  const password = canary('password');
  const changedPassword = canary('changed');
  const certificate = `-----BEGIN-----\n${canary('first line')}\n${canary('second line')}\n-----END-----`;
  const token = canary('token');
  const plain = canary('refused');
  const secrets = [password, changedPassword, token, plain, ...certificate.split('\n').slice(1, -1)];
  const said: string[] = [];
  let postgres: TestPostgres;
  let databaseUrl: string;
  let world: World;

  beforeAll(async () => {
    postgres = await startTestPostgres(kind);
    databaseUrl = await postgres.createDatabase();
    world = await World.start({ stacks: ['core/cli/e2e/fixtures/vault'], hosts: ['h1'], databaseUrl });
    await world.api.post('/clusters', { name: 'c', hosts: ['h1'] });
    const config = { 'vault.properties': { password, certificate }, 'vault.yaml': { token } };
    const add = { command: 'add', services: [{ service: 'vault', components: { keeper: ['h1'] }, config }] };
    said.push(JSON.stringify(await world.api.post('/clusters/c/plans', add)));
    const { id, state } = await world.api.run('c', add);
    if (state !== 'SUCCESSFUL') throw new Error(await world.api.story(id));
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  const root = (): string => world.host('h1').root;
  const file = (name: string): string => join(root(), 'etc/stackyard/vault/keeper', name);
  const modeOf = (path: string): number => statSync(path).mode & 0o777;
  const config = '/clusters/c/services/vault/config';

  async function act(action: string): Promise<{ state: string; told: string }> {
    const job = await world.api.run('c', {
      command: 'action',
      target: { service: 'vault', component: 'keeper' },
      action,
    });
    const [task] = await world.api.tasks(job.id);
    const attempts = JSON.stringify(await world.api.get(`/tasks/${task?.id}/attempts`));
    const told = `${attempts}\n${await world.api.log(task?.id ?? '')}`;
    said.push(told);
    return { state: job.state, told };
  }

  test('the files of the service have them, and nobody else may read those', async () => {
    expect(await readFile(file('vault.properties'), 'utf8')).toContain('password=Kanarie-password');
    expect(modeOf(file('vault.properties'))).toBe(0o600);
    expect(await readFile(file('vault.yaml'), 'utf8')).toContain('Kanarie-token');
    expect(modeOf(file('vault.yaml'))).toBe(0o640);
    expect([await readFile(join(root(), 'noted'), 'utf8'), modeOf(join(root(), 'noted'))]).toEqual([
      `${password}\n`,
      0o600,
    ]);
  });

  test('the process has them in its environment, and not in its arguments', async () => {
    const [keeper] = await world.api.components('c');
    const variables = readFileSync(`/proc/${keeper?.pid}/environ`, 'utf8').split('\0');
    expect(variables).toContain(`VAULT_PASSWORD=${password}`);
    expect(variables).toContain(`VAULT_URL=vault://keeper:${password}@here`);
  });

  test('a function gets them, and whatever it prints, gives back or throws is hidden', async () => {
    expect(await act('tell')).toMatchObject({ state: 'SUCCESSFUL', told: expect.stringContaining('***') });
    for (const action of ['fail', 'later']) {
      expect(await act(action)).toMatchObject({ state: 'FAILED', told: expect.stringContaining('***') });
    }
    expect(await act('argue')).toMatchObject({
      state: 'FAILED',
      told: expect.stringContaining('one of its arguments has a secret in it'),
    });
  });

  test('they are written and never read, and what was read can be sent back', async () => {
    const read = await world.api.get<{ values: Record<string, Record<string, object>>; version: number }>(config);
    said.push(JSON.stringify(read));
    expect(read.values['vault.properties']?.['password']).toMatchObject({ secret: true, set: true });
    const etag = await world.api.etag(config);
    const kept = await world.api.put<{ version: number }>(config, { values: read.values }, { 'if-match': etag });
    expect(kept.version).toBe(read.version);
    const same = { ...read.values, 'vault.yaml': { token } };
    expect(await world.api.put(config, { values: same }, { 'if-match': etag })).toMatchObject({
      version: read.version,
    });
    const refused = world.api.put(
      config,
      { values: { ...same, 'vault.yaml': { token: 'abc' } } },
      { 'if-match': etag },
    );
    await expect(refused).rejects.toThrow('token of vault.yaml is shorter than 4 characters.');
    const misplaced = { ...same, 'vault.properties': { ...read.values['vault.properties'], password: [plain] } };
    await expect(world.api.put(config, { values: misplaced }, { 'if-match': etag })).rejects.toSatisfy(
      (error: ProblemAnswer) => {
        said.push(JSON.stringify(error.problem));
        return error.status === 422 && !JSON.stringify(error.problem).includes(plain);
      },
    );
  });

  test('the command line takes one from a file, not from an argument, and shows none', async () => {
    const key = 'vault.properties/password';
    const argued = await world.command(['config', 'set', 'vault', `${key}=${plain}`, '--cluster', 'c']);
    expect(argued).toMatchObject({ code: 2, output: expect.stringContaining('--secret-file FILE') });
    const source = join(world.dir, 'secret');
    await writeFile(source, `${changedPassword}\n`, { mode: 0o600 });
    const set = await world.command([
      'config',
      'set',
      'vault',
      key,
      '--secret-file',
      source,
      '--cluster',
      'c',
      '--yes',
    ]);
    await rm(source);
    expect(set).toMatchObject({ code: 0, output: expect.stringContaining('${secret:vault.properties/password:') });
    const got = await world.command(['config', 'get', 'vault', '--cluster', 'c']);
    expect(got.output).toMatch(/password +\(set\)/);
    said.push(argued.output, set.output, got.output);
    expect(await readFile(file('vault.properties'), 'utf8')).toContain('password=Kanarie-changed');
    const [keeper] = await world.api.components('c');
    expect(readFileSync(`/proc/${keeper?.pid}/environ`, 'utf8')).toContain(`VAULT_PASSWORD=${changedPassword}\0`);
    expect(keeper?.stale).toBeNull();
    const { output } = await world.command(['config', 'versions', 'vault', '--cluster', 'c', '-o', 'json']);
    said.push(output);
  });

  test('they are nowhere else: not in the database, in data of server or agent, in logs or in answers', async () => {
    for (const path of ['/audit', '/jobs', '/clusters/c/components', `${config}/versions`, '/clusters/c']) {
      said.push(await world.api.text(`/api/v1${path}`));
    }
    for (const { id } of (await world.api.get<{ items: JobAnswer[] }>('/jobs')).items) {
      said.push(await world.api.text(`/api/v1/jobs/${id}`));
      for (const task of await world.api.tasks(id)) said.push(await world.api.log(task.id));
    }
    const db = await openDatabase({ url: databaseUrl });
    const { rows: tables } = await db.sql.query<{ name: string }>(
      `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'`,
    );
    const dump: string[] = [];
    for (const { name } of tables) {
      const { rows } = await db.sql.query<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t`);
      dump.push(...rows.map(({ row }) => row));
    }
    await db.close();
    expect(dump.join('\n')).toContain('${secret:vault.properties/password:');

    const own = new Set(['vault.properties', 'vault.yaml'].map(file));
    const variables = /\/environment$/;
    const kept = filesIn(world.dir).filter(
      (path) => !own.has(path) && !variables.test(path) && !path.endsWith('/noted'),
    );
    expect(kept.length).toBeGreaterThan(20);
    for (const path of filesIn(world.dir).filter((each) => variables.test(each))) expect(modeOf(path)).toBe(0o600);
    expect(modeOf(join(world.dataDir, 'secrets.key'))).toBe(0o600);
    for (const mark of new Set(secrets.flatMap(marksOf))) {
      expect(
        said.filter((text) => text.includes(mark)),
        `said: ${mark}`,
      ).toEqual([]);
      expect(
        dump.filter((text) => text.includes(mark)),
        `in the database: ${mark}`,
      ).toEqual([]);
      expect(
        kept.filter((path) => readFileSync(path).includes(mark)),
        `on disk: ${mark}`,
      ).toEqual([]);
    }
  });

  test('an agent that was killed asks again, and a lost key is said with what to do', async () => {
    await world.killAgent('h1');
    await world.startAgent('h1');
    const again = { command: 'restart', target: { service: 'vault' } };
    expect((await world.api.run('c', again)).state).toBe('SUCCESSFUL');
    await world.stopServer();
    await rm(join(world.dataDir, 'secrets.key'));
    const child = world.launchServer();
    await new Promise((resolve) => child.once('close', resolve));
    expect(child.exitCode).not.toBe(0);
    expect(await world.serverLog()).toMatch(
      /The database keeps secrets, and the key that opens them, .*secrets\.key, is not there/,
    );
  });
});
