import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@stackyard/kernel';
import { startServer } from '@stackyard/server';

/** The committed description of the REST API, and the types of its client that are made from it. */
export const snapshotFile = fileURLToPath(new URL('../../../server/openapi.json', import.meta.url));
const NAME = 'core/cli/src/api/generate.ts';
export const schemaFile = fileURLToPath(new URL('./gen/schema.ts', import.meta.url));

/** The description as a real server gives it: without plugins, because which are loaded is configuration. */
export async function describedApi(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'stackyard-openapi-'));
  const listen = { host: '127.0.0.1', port: 0 };
  try {
    const server = await startServer({
      dataDir,
      http: listen,
      agents: listen,
      packages: { origin: 'auto' },
      stacks: [],
      plugins: [],
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

/** The types of a description, as openapi-typescript writes them. */
export async function typesOf(description: string): Promise<string> {
  const { default: openapiTypes, astToString } = await import('openapi-typescript');
  const nodes = await openapiTypes(JSON.parse(description) as never);
  return `// Made by ${NAME}; do not edit.\n${astToString(nodes)}`;
}

if (import.meta.main) {
  const description = await describedApi();
  await writeFile(snapshotFile, description);
  await writeFile(schemaFile, await typesOf(description));
  process.stderr.write(`Wrote ${snapshotFile} and ${schemaFile}.\n`);
}
