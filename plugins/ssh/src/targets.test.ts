import { describe, expect, test } from 'vitest';
import { TargetInvalidError } from './errors.ts';
import { parseTargets } from './targets.ts';

const shown = (...texts: string[]): string[] =>
  parseTargets(texts, 22).map(({ name, address }) => (name === address ? name : `${name}=${address}`));

describe('machines are written as', () => {
  test.each([
    ['a name', ['zk1.example.org'], ['zk1.example.org']],
    ['a list', ['zk1, zk2  zk3'], ['zk1', 'zk2', 'zk3']],
    [
      'a range, whose zeros stay',
      ['node[08-11].example.org'],
      ['node08', 'node09', 'node10', 'node11'].map((name) => `${name}.example.org`),
    ],
    ['several ranges', ['r[1-2]n[1,3]'], ['r1n1', 'r1n3', 'r2n1', 'r2n3']],
    ['names with addresses', ['zk1=10.0.0.7', 'zk2=[fd00::7]'], ['zk1=10.0.0.7', 'zk2=fd00::7']],
    ['pairs of ranges', ['zk[1-2]=10.0.0.[1-2]'], ['zk1=10.0.0.1', 'zk2=10.0.0.2']],
    ['a file with comments', ['# rack 1\nzk1\nzk2 # the old one\n'], ['zk1', 'zk2']],
  ])('%s', (_, texts, expected) => {
    expect(shown(...texts)).toEqual(expected);
  });

  test.each([
    ['nothing', [''], 'nothing is named'],
    ['a range without numbers', ['n[a-b]'], '"a-b" is no range of numbers'],
    ['a range that runs backwards', ['n[5-1]'], '5-1 runs backwards'],
    ['an open bracket', ['n[1'], 'letters, digits'],
    ['too many', ['n[1-1001]'], 'more than 1000'],
    ['too many by multiplying', ['n[1-100]x[1-100]'], '10000 are more than the 1000'],
    ['the same name twice', ['zk1', 'zk[1-2]'], 'it is named twice'],
    ['a command', ['zk1;reboot'], 'letters, digits'],
    ['an option', ['-oProxyCommand=x'], 'letters, digits'],
    ['a path', ['zk1=../../etc'], 'neither a name nor an IP address'],
    ['a user', ['root@zk1'], 'letters, digits'],
  ])('but not as %s', (_, texts, reason) => {
    expect(() => shown(...texts)).toThrow(TargetInvalidError);
    expect(() => shown(...texts)).toThrow(reason);
  });
});
