import { expect, test } from 'vitest';
import { decodeEnvelope, decodeTerms, encodeEnvelope, fromValueMap, type Json, toValueMap } from './index.ts';

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

test('the terms of an envelope are its fields of the same names, whatever else it holds', () => {
  const bytes = encodeEnvelope({
    taskId: 't',
    attempt: 2,
    jobId: 'j',
    phase: 'configure',
    timeoutMs: 3,
    killGraceMs: 4,
    startWithinMs: 5,
    component: 'server',
    self: { hostComponentId: 'hc', host: 'h', root: '/', ordinal: 6, local: true },
    values: { a: toValueMap({ x: 1 }) },
    instances: { server: { items: [{ host: 'h', address: 'h', ordinal: 6 }] } },
    expectedFiles: { 'a.cfg': 'sha256-00' },
    once: ['init'],
  });
  const terms = decodeTerms(bytes);
  expect(decodeEnvelope(bytes)).toMatchObject(terms);
  expect(Object.keys(terms).toSorted()).toMatchInlineSnapshot(`
    [
      "action",
      "attempt",
      "component",
      "expectedFiles",
      "killGraceMs",
      "phase",
      "self",
      "startWithinMs",
      "taskId",
      "timeoutMs",
    ]
  `);
});
