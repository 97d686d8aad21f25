import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeLine, decodeRecord, encodeLine, encodeRecord } from './record.ts';

test('a record is read back as it was written, whatever its bytes', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.uint8Array({ maxLength: 200 }), (head, body) => {
      const record = decodeRecord(encodeRecord(head, body));
      expect(JSON.stringify(record?.head)).toBe(JSON.stringify(head));
      expect(record?.body.equals(body)).toBe(true);
    }),
  );
});

test('a record that is cut or changed at any place is not read', () => {
  const bytes = encodeRecord({ taskId: 't', number: 1 }, Buffer.from('the command'));
  for (let at = 0; at < bytes.length; at += 1) {
    expect(decodeRecord(bytes.subarray(0, at))).toBeUndefined();
    for (const bit of [0x01, 0x20, 0x80]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= bit;
      expect(decodeRecord(changed)).toBeUndefined();
    }
  }
  expect(decodeRecord(Buffer.concat([bytes, Buffer.from('x')]))).toBeUndefined();
});

test('a line is read back, and a torn or changed one is not', () => {
  const line = encodeLine({ a: 'ü' }).trimEnd();
  expect(decodeLine(line)).toEqual({ a: 'ü' });
  for (let at = 0; at < line.length; at += 1) {
    expect(decodeLine(line.slice(0, at))).toBeUndefined();
    expect(decodeLine(`${line.slice(0, at)}#${line.slice(at + 1)}`)).toBeUndefined();
  }
});
