import { expect, test } from 'vitest';
import { addressOf } from './advisory-lock.ts';
import { reasonOf } from './create.ts';
import { parsePostmaster } from './postmaster.ts';
import { settingArguments } from './settings.ts';

const file = '4711\n/data/pgdata\n1795444168\n5432\n/data/socket\n\n   112233         3\nready   \n';

test('postmaster.pid is read line by line', () => {
  expect(parsePostmaster(file)).toEqual({
    pid: 4711,
    dataDir: '/data/pgdata',
    startedAt: 1_795_444_168,
    port: 5432,
    socketDir: '/data/socket',
    status: 'ready',
  });
});

test('a file that is half written is a postmaster that starts', () => {
  expect(parsePostmaster(file.replace('ready   ', 'starting'))?.status).toBe('starting');
  expect(parsePostmaster(file.replace('ready   ', 'stopping'))?.status).toBe('stopping');
  expect(parsePostmaster('4711\n/data')).toMatchObject({ pid: 4711, status: 'starting' });
  expect(parsePostmaster('')).toBeUndefined();
});

test('settings depend on the major version, and those of a caller win', () => {
  expect(settingArguments(15, {})).not.toContain('io_method=sync');
  const chosen = settingArguments(18, { port: '6000', fsync: 'off' });
  expect(chosen).toContain('io_method=sync');
  expect(chosen.filter((text) => /^(port|fsync)=/.test(text))).toEqual(['port=6000', 'fsync=off']);
});

test('the cause is found in the output of the programs', () => {
  expect(reasonOf('noise\ninitdb: error: could not access directory "/x": Permission denied\nhint\n')).toBe(
    'could not access directory "/x": Permission denied',
  );
  expect(reasonOf('2026-11-23 14:29:28.876 UTC [1] FATAL:  could not load\n2026 [1] LOG:  bye')).toBe('could not load');
  expect(reasonOf('')).toBeUndefined();
});

test('an address for people holds no password', () => {
  expect(addressOf('postgresql://me:secret@db.example:5433/yard?x=1')).toBe('db.example:5433/yard');
  expect(addressOf('postgresql://me:secret@%2Fdata%2Fsocket:5432/yard')).toBe('/data/socket/yard');
  expect(addressOf('secret nonsense')).toBe('the given address');
});
