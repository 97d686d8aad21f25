import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@stackyard/kernel';
import prometheus from '@stackyard/plugin-prometheus';
import ssh from '@stackyard/plugin-ssh';
import { startServer } from '@stackyard/server';

/** The committed description of the REST API, and the types of its client that are made from it. */
export const snapshotFile = fileURLToPath(new URL('../../../server/openapi.json', import.meta.url));
export const schemaFile = fileURLToPath(new URL('./gen/schema.ts', import.meta.url));

/** The description as a real server gives it with what this client speaks to: itself and the plugins that it brings. */
export async function describedApi(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'stackyard-openapi-'));
  const listen = { host: '127.0.0.1', port: 0 };
  try {
    const server = await startServer({
      dataDir,
      http: listen,
      agents: listen,
      enrolment: listen,
      packages: { origin: 'auto' },
      stacks: [],
      plugins: [prometheus, ssh],
      log: createLogger({ level: 'error' }),
      onFatal: (error) => {
        throw error;
      },
    });
    try {
      const response = await fetch(`${server.url}/api/v1/docs/json`);
      return `${JSON.stringify(await response.json(), undefined, 2)}\n`;
    } finally {
      await server.stop();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** The types of a description, as the program openapi-typescript writes them. */
export async function typesOf(description: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'stackyard-openapi-'));
  try {
    await writeFile(join(dir, 'openapi.json'), description);
    const tool = join(dirname(findPackageJSON('openapi-typescript', import.meta.url) ?? ''), 'bin/cli.js');
    const args = [tool, 'openapi.json', '-o', 'schema.ts'];
    const child = spawn(process.execPath, args, { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`openapi-typescript ended with ${code}.`);
    return await readFile(join(dir, 'schema.ts'), 'utf8');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const description = await describedApi();
  await writeFile(snapshotFile, description);
  await writeFile(schemaFile, await typesOf(description));
  process.stderr.write(`Wrote ${snapshotFile} and ${schemaFile}.\n`);
}
