import { expect, test } from 'vitest';
import { ConflictError, UsageError } from '../errors.ts';
import { parseAssignments, secretProperty } from './assignments.ts';
import { changed, lines, requireSameVersion, shown } from './values.ts';

const definitions = [
  { config: 'zoo.cfg', name: 'tickTime', type: 'duration' },
  { config: 'zoo.cfg', name: 'extra', type: 'map' },
  { config: 'zoo.cfg', name: 'fourLetterWords', type: 'list' },
  { config: 'zookeeper-env', name: 'heap', type: 'memory' },
  { config: 'zookeeper-env', name: 'level', type: 'text' },
  { config: 'logback.xml', name: 'level', type: 'enum' },
  { config: 'zoo.cfg', name: 'tls', type: 'bool' },
  { config: 'zoo.cfg', name: 'password', type: 'secret' },
];

test('assignments become values by config, of the type that their property has', () => {
  expect(
    parseAssignments(
      [
        'tickTime=3000',
        'zookeeper-env/heap=96',
        'logback.xml/level=DEBUG',
        'fourLetterWords=srvr, ruok',
        'extra={"a.b":"c=d"}',
        'tls=true',
      ],
      definitions,
    ),
  ).toEqual({
    'zoo.cfg': { tickTime: 3000, fourLetterWords: ['srvr', 'ruok'], extra: { 'a.b': 'c=d' }, tls: true },
    'zookeeper-env': { heap: 96 },
    'logback.xml': { level: 'DEBUG' },
  });
});

test.each(['hosts', 'dirs'])('%s are given as lists are', (type) => {
  const several = [{ config: 'hdfs.xml', name: 'several', type }];
  expect(parseAssignments(['several=/a, /b'], several)).toEqual({ 'hdfs.xml': { several: ['/a', '/b'] } });
});

test('memory and durations can be given with a unit', () => {
  const heap = (text: string) => parseAssignments([`heap=${text}`], definitions)['zookeeper-env'];
  expect(['512', '512m', '1GiB', '1.5 g'].map(heap)).toEqual([512, 512, 1024, 1536].map((value) => ({ heap: value })));
  const tick = (text: string) => parseAssignments([`tickTime=${text}`], definitions)['zoo.cfg'];
  expect(['-5', '3s', '2500 ms'].map(tick)).toEqual([-5, 3000, 2500].map((tickTime) => ({ tickTime })));
});

test.each([
  ['tickTim=1', 'There is no property tickTim. Did you mean zoo.cfg/tickTime?'],
  ['tikTime=1', 'There is no property tikTime. Did you mean zoo.cfg/tickTime?'],
  ['tikcTime=1', 'There is no property tikcTime. Did you mean zoo.cfg/tickTime?'],
  ['tick_time=1', 'There is no property tick_time. Did you mean zoo.cfg/tickTime?'],
  ['level=INFO', 'Several configs have a property level: say zookeeper-env/level or logback.xml/level.'],
  ['zoo.conf/dir=1', 'There is no property zoo.conf/dir. The configs are zoo.cfg, zookeeper-env, logback.xml.'],
  ['tickTime=soon', 'zoo.cfg/tickTime takes a number of milliseconds, not "soon".'],
  ['heap=1 TiB', 'zookeeper-env/heap takes a number of MiB, not "1 TiB".'],
  ['tls=yes', 'zoo.cfg/tls takes true or false, not "yes".'],
  ['extra=a', 'zoo.cfg/extra takes JSON, not "a".'],
  ['tickTime', 'tickTime sets nothing. Use property=value, such as tickTime=3000.'],
])('%s is refused: %s', (text, sentence) => {
  expect(() => parseAssignments([text], definitions)).toThrow(new UsageError(sentence));
});

test('a secret is taken from a file only, and neither repeated nor shown', () => {
  for (const attempt of [
    () => parseAssignments(['password=hunter2!'], definitions),
    () => secretProperty(['password=hunter2!'], definitions),
  ]) {
    expect(attempt).toThrow(
      /^zoo\.cfg\/password is a secret, and arguments are seen by everybody .* --secret-file FILE/,
    );
    expect(attempt).not.toThrow('hunter2!');
  }
  expect(secretProperty(['zoo.cfg/password'], definitions)).toMatchObject({ name: 'password' });
  expect(() => secretProperty(['tickTime'], definitions)).toThrow('zoo.cfg/tickTime is no secret');
  expect(() => secretProperty(['password', 'tls'], definitions)).toThrow('name the one property');
  expect(shown({ secret: true, set: true, fingerprint: 'AbCd' })).toBe('(set, AbCd)');
});

test('setting and unsetting leaves the other values alone, and no empty config behind', () => {
  const before = { 'zoo.cfg': { tickTime: 2000, initLimit: 5 }, 'zookeeper-env': { heap: 96 } };
  const after = changed(before, {
    set: { 'zoo.cfg': { tickTime: 3000 } },
    unset: [{ config: 'zookeeper-env', name: 'heap' }],
  });
  expect(after).toEqual({ 'zoo.cfg': { tickTime: 3000, initLimit: 5 } });
  expect(lines(after, { zk1: { 'zoo.cfg': { tickTime: 100 } } })).toBe(
    'zk1: zoo.cfg/tickTime = 100\nzoo.cfg/initLimit = 5\nzoo.cfg/tickTime = 3000\n',
  );
});

test('a config that somebody saved meanwhile is a conflict', () => {
  expect(() => requireSameVersion('zookeeper', 3, 4)).toThrow(ConflictError);
  expect(() => requireSameVersion('zookeeper', 3, 3)).not.toThrow();
});
