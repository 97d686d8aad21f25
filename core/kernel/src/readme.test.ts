import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const readme = readFileSync('README.md', 'utf8');

test('the example of the README runs and prints what it says', () => {
  const example = /```ts\n(.*?)```/s.exec(readme)![1]!;
  const flags = ['--conditions=@stackyard/source', '--input-type=module-typescript', '--eval', example];
  const promised = /console\.log\(.*\); \/\/ (.*)/.exec(example)![1]!;
  expect(execFileSync(process.execPath, flags, { encoding: 'utf8', stdio: 'pipe' })).toBe(`${promised}\n`);
});

test('the README names every file', () => {
  const files = readdirSync('src').filter((file) => !/test|index|fixtures/.test(file));
  expect(files.filter((file) => !readme.includes(`\`${file}\``))).toEqual([]);
});
