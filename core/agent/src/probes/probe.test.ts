import { createServer, type Server } from 'node:http';
import type { Probe } from '@stackyard/sdk/manifest';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Definition } from '../phases/context.ts';
import { ask } from './probe.ts';

let server: Server;
let port: number;
const definition = {
  inputs: { self: { address: '127.0.0.1' }, values: {}, instances: {}, imports: {}, facts: {} },
  service: { name: 's', configs: [], components: [], packages: [] },
  component: {},
} as unknown as Definition;

beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === '/hang') return;
    if (request.url === '/bad') response.statusCode = 503;
    response.end(request.url === '/text' ? 'no json' : '{ "deep": { "state": "leader", "n": 0 } }');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function http(path: string, more: Partial<Extract<Probe, { kind: 'http' }>> = {}): Probe {
  return { kind: 'http', port: { literal: port }, path, ...more };
}

async function answer(probe: Probe): Promise<string> {
  const { ok, value, message } = await ask(definition, probe, { processAlive: () => true, timeoutMs: 200 });
  return `${ok}${value === undefined ? '' : ` ${JSON.stringify(value)}`}: ${message.replaceAll(String(port), 'PORT')}`;
}

test('a probe answers with what it found and a sentence that says where', async () => {
  const answers = [
    await answer({ kind: 'process' }),
    await answer({ kind: 'tcp', port: { literal: port } }),
    await answer({ kind: 'tcp', port: { literal: 1 } }),
    await answer(http('/')),
    await answer(http('/bad')),
    await answer(http('/hang')),
    await answer(http('/', { json: 'deep.state' })),
    await answer(http('/', { json: 'deep.n', expect: 0 })),
    await answer(http('/', { json: 'deep.state', expect: 'follower' })),
    await answer(http('/', { json: 'deep.none' })),
    await answer(http('/text', { json: 'deep' })),
  ];
  expect(answers).toMatchInlineSnapshot(`
    [
      "true: The process runs.",
      "true: 127.0.0.1:PORT accepts connections.",
      "false: 127.0.0.1:1 refuses connections.",
      "true: http://127.0.0.1:PORT/ answers 200.",
      "false: http://127.0.0.1:PORT/bad answers 503.",
      "false: http://127.0.0.1:PORT/hang did not answer within 200 ms.",
      "true "leader": deep.state of http://127.0.0.1:PORT/ is "leader".",
      "true 0: deep.n of http://127.0.0.1:PORT/ is 0.",
      "false "leader": deep.state of http://127.0.0.1:PORT/ is "leader" instead of "follower".",
      "false: The answer of http://127.0.0.1:PORT/ has no deep.none.",
      "false: http://127.0.0.1:PORT/text does not answer with JSON.",
    ]
  `);
});
