import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const lines = (file: string): number => readFileSync(join(root, file), 'utf8').split('\n').length - 1;

test('the smallest useful stack has fewer than 20 lines', () => {
  expect(lines('examples/hello-stack/src/index.ts')).toBeLessThan(20);
});

test('ZooKeeper as Ambari has it (install, config, health, metrics, alerts, dashboard, action, rolling upgrade, check) has fewer than 150', () => {
  expect(lines('stacks/zookeeper/src/index.ts')).toBeLessThan(150);
});

test('Kafka as operators have it elsewhere (topics, reassigning, decommissioning, waits for copies, two versions) has fewer than 900', () => {
  const files = ['src', 'templates'].flatMap((folder) =>
    readdirSync(join(root, 'stacks/kafka', folder)).map((name) => `stacks/kafka/${folder}/${name}`),
  );
  const counted = files.filter((file) => !file.endsWith('.test.ts')).map(lines);
  expect(counted.reduce((sum, each) => sum + each, lines('stacks/kafka/3.9/package.json'))).toBeLessThan(900);
});
