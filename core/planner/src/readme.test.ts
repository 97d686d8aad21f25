import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { preview } from './testing/readme.ts';
import { cluster, ids } from './testing/sample.ts';

test('the example of the README is the one that is run here', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const source = readFileSync(new URL('./testing/readme.ts', import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${source}\`\`\``);
  const request = { command: 'add', services: [{ service: 'zookeeper' }] } as const;
  expect(readme).toContain(`\`\`\`\n${preview(cluster(), request, ids())}\n\`\`\``);
});
