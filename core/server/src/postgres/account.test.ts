import { describe, expect, test } from 'vitest';
import { type AccountFacts, chooseAccount, commandFor, parsePasswd } from './account.ts';

const passwd = parsePasswd(
  ['root:x:0:0:root:/root:/bin/sh', 'nobody:x:65534:65534::/:/bin/false', 'daemon:x:1:1::/:/bin/false', ''].join('\n'),
);
const withOwnUser = [...passwd, { name: 'stackyard', uid: 990, gid: 991 }];
const root: AccountFacts = {
  uid: 0,
  named: true,
  owner: { uid: 0, gid: 0 },
  created: false,
  namespaces: async () => true,
  passwd,
};
const noNamespaces = { namespaces: async () => false };
const namespace = { kind: 'namespace', uid: 1, gid: 1 };

describe('PostgreSQL runs', () => {
  test.each<[string, Partial<AccountFacts>, object]>([
    ['as ourselves for a user with a name', { uid: 1000 }, { kind: 'self' }],
    ['under a borrowed name for a user without one', { uid: 54321, named: false }, namespace],
    [
      'as ourselves without a name once the database exists',
      { uid: 54321, named: false, created: true },
      { kind: 'self' },
    ],
    ['in a user namespace for root', {}, namespace],
    ['in a user namespace for root without asking again', { created: true, ...noNamespaces }, namespace],
    ['as the owner of the directory', { owner: { uid: 7, gid: 8 } }, { kind: 'user', uid: 7, gid: 8 }],
    [
      'as a system user of its own where there are no namespaces',
      { ...noNamespaces, passwd: withOwnUser },
      { kind: 'user', uid: 990, gid: 991 },
    ],
  ])('%s', async (_, facts, expected) => {
    expect(await chooseAccount({ ...root, ...facts })).toEqual(expected);
  });

  test('never as nobody: root without namespaces and system user is told what to do', async () => {
    await expect(chooseAccount({ ...root, ...noNamespaces })).rejects.toMatchObject({
      code: 'POSTGRES_ROOT',
      message: expect.stringMatching(/useradd --system stackyard.*DATABASE_URL/),
    });
  });

  test('behind unshare only in a namespace', () => {
    expect(commandFor({ kind: 'self' }, 'postgres', ['-D', 'x'])).toEqual(['postgres', '-D', 'x']);
    expect(commandFor({ kind: 'namespace', uid: 1, gid: 2 }, 'postgres', [])).toEqual([
      'unshare',
      '-U',
      '--map-user=1',
      '--map-group=2',
      'postgres',
    ]);
  });
});
