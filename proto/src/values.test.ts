import { expect, test } from 'vitest';
import { decodeEnvelope, encodeEnvelope, fromValueMap, type Json, toValueMap } from './index.ts';

test('values of every kind come back from the wire as they were', () => {
  const values: Record<string, Json> = {
    text: 'ä\n',
    none: null,
    zero: 0,
    half: 0.5,
    no: false,
    list: [1, [], ['x', null]],
    map: { a: { b: {} } },
  };
  const sent = encodeEnvelope({ taskId: 't', values: { 'zoo.cfg': toValueMap(values) } });
  expect(fromValueMap(decodeEnvelope(sent).values['zoo.cfg'])).toEqual(values);
});

test('the same envelope gives the same bytes, since its hash is its identity', () => {
  const envelope = { taskId: 't', attempt: 1, values: { a: toValueMap({ x: 1, y: 2 }) }, once: ['init'] };
  expect(encodeEnvelope(envelope)).toEqual(encodeEnvelope(structuredClone(envelope)));
});
