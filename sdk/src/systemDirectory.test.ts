import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkValue } from './render/index.ts';
import { systemDirectory } from './systemDirectory.ts';

test("what belongs to the system or to many is never a service's own", () => {
  const taken = [
    '/',
    '//',
    '/.',
    '/etc',
    '/etc/',
    '//etc',
    '/./etc',
    '/etc/ssh',
    '/usr/local/data',
    '/var',
    '/var/lib',
  ];
  const more = [
    '/home',
    '/home/ada',
    '/root',
    '/tmp/',
    '/srv',
    '/var/lib/stackyard',
    '/var/lib/stackyard/components/x',
  ];
  expect([...taken, ...more].filter((path) => systemDirectory(path) === undefined)).toEqual([]);
  const free = [
    '/data',
    '/data/zk',
    '/var/lib/zookeeper',
    '/srv/zk',
    '/home/ada/zk',
    '/mnt/disk1/zk',
    '/etcetera',
    '/opt/zk',
  ];
  expect(free.filter((path) => systemDirectory(path) !== undefined)).toEqual([]);
});

test('slashes and dots more do not change the answer', () => {
  const part = fc.constantFrom('', '.', 'etc', 'var', 'lib', 'data', 'home');
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const plain = `/${parts.filter((each) => each !== '' && each !== '.').join('/')}`;
      expect(systemDirectory(`/${parts.join('/')}`)).toBe(systemDirectory(plain));
    }),
  );
});

test('an operator cannot give a system directory to a service', () => {
  const property = { name: 'dataDir', type: 'dir', help: 'Data', effect: 'pinned' } as const;
  expect(checkValue(property, '/')).toEqual({
    code: 'VALUE_PATTERN',
    why: 'must not be the text "/": others use it too; name a directory below it that is the service\'s own',
  });
  expect(checkValue(property, '/etc/ssh')?.why).toBe(
    'must not be the text "/etc/ssh": it lies in /etc, which belongs to the system',
  );
  expect(checkValue(property, '/data')).toBeUndefined();
});
