import { expect, test } from 'vitest';
import { recommendationText } from './recommendation.ts';
import { colours } from './terminal.ts';

test('a recommendation says where, how large, why, and what stands in the way', () => {
  const text = recommendationText(
    {
      services: [
        {
          service: 'zookeeper',
          version: '3.9.4',
          places: [
            { component: 'zookeeper_server', hosts: ['a', 'b', 'c'], reason: '3 of 5 hosts, those with most memory' },
            { component: 'zookeeper_client', hosts: ['a'], reason: 'as asked' },
          ],
          values: [
            {
              config: 'zookeeper-env',
              property: 'heap',
              unit: 'MiB',
              from: ['memory'],
              values: [
                { value: 512, hosts: ['a', 'b'] },
                { value: 256, hosts: ['c'] },
              ],
            },
          ],
        },
      ],
      problems: [{ code: 'HOST_UNREACHABLE', message: 'Host b does not answer.' }],
      warnings: [{ code: 'PREFER_ODD', message: 'An odd number is better.' }],
    },
    colours(false),
  );
  expect(text).toMatchInlineSnapshot(`
    "zookeeper 3.9.4
      zookeeper_server  a, b, c  (3 of 5 hosts, those with most memory)
      zookeeper_client  a  (as asked)
      zookeeper-env/heap  512 MiB  (from memory of a, b)
      zookeeper-env/heap  256 MiB  (from memory of c)

    ✗ Host b does not answer.
    ! An odd number is better.
    "
  `);
});
