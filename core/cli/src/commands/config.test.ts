import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpServer, sendJson } from '../api/testing.ts';
import { run } from '../cli.ts';
import { testTerminal } from '../output/testing.ts';

let dir = '';
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'stackyard-config-'))));
afterAll(() => rm(dir, { recursive: true, force: true }));

test('a property that is out of use is shown so, whatever is set', async () => {
  const property = { config: 'app.cfg', type: 'text', help: 'Help', effect: 'restart' };
  const config = {
    service: 'app',
    version: 1,
    values: { 'app.cfg': { principal: 'a@B' } },
    overrides: {},
    createdAt: '2026-01-01T00:00:00Z',
    createdBy: 'me',
    note: null,
    properties: [
      { ...property, name: 'mode', default: 'none', inUse: true },
      { ...property, name: 'principal', set: 'a@B', inUse: false },
    ],
  };
  await using server = await httpServer((request, response) =>
    request.url?.endsWith('/config')
      ? sendJson(response, 200, config, { etag: '"1"' })
      : sendJson(response, 200, { items: [{ id: 'c1', name: 'demo' }], nextCursor: null }),
  );
  const env = { XDG_CONFIG_HOME: dir, STACKYARD_URL: server.url, STACKYARD_TOKEN: 'syk_x' };
  const terminal = testTerminal({ env });
  expect(await run(['config', 'get', 'app', '-c', 'demo'], terminal)).toBe(0);
  expect(terminal.said.out).toMatch(/app\.cfg\/mode +none/);
  expect(terminal.said.out).toMatch(/app\.cfg\/principal +not in use/);
});
