import { expect, test } from 'vitest';
import { isAsPrinted, stepsOf } from './page.ts';

test('files and commands are read in their order, with what is printed', () => {
  const page = 'Text\n```ts src/a.ts\nexport {};\n```\n```console\n$ one\nout\n$ two\n```\n```sh\nnot run\n```\n';
  expect(stepsOf(page)).toEqual([
    { kind: 'file', path: 'src/a.ts', content: 'export {};\n' },
    { kind: 'command', line: 6, command: 'one', printed: 'out' },
    { kind: 'command', line: 8, command: 'two', printed: '' },
  ]);
});

test.each([
  ['✓ Built (1.7 s)', '✓ Built (12 ms)', true],
  ['digest sha512-…', 'digest sha512-abc=', true],
  ['a\n…\nz', 'a\nb\nc\nz', true],
  ['a\n…\nz', 'a\nz', true],
  ['…\nz', 'y\nz', true],
  ['a', '\u001B[32ma\u001B[0m\n', true],
  ['a', 'b', false],
  ['a\nz', 'a\nb\nz', false],
  ['', 'something', false],
  ['a.c', 'abc', false],
])('%j is printed as %j: %j', (page, printed, expected) => {
  expect(isAsPrinted(page, printed)).toBe(expected);
});
