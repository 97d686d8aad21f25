import { createPrivateKey, createPublicKey } from 'node:crypto';
import '@stackyard/kernel';
import * as x509 from '@peculiar/x509';
import { expect, test } from 'vitest';
import { newRequest } from './request.ts';

test('a request is one that others can read: for the key that was made, signed by it, asking for nothing', async () => {
  const { key, request } = await newRequest();
  const read = new x509.Pkcs10CertificateRequest(new Uint8Array(request));
  expect(await read.verify()).toBe(true);
  expect([read.subject, read.extensions.length, read.attributes.length]).toEqual(['', 0, 0]);
  const own = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' });
  expect(Buffer.from(read.publicKey.rawData).equals(own)).toBe(true);
});

test('every request is for another key', async () => {
  const [a, b] = await Promise.all([newRequest(), newRequest()]);
  expect(a.key).not.toBe(b.key);
});
