import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock } from '@stackyard/kernel';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Authorities } from './authorities.ts';
import { ServerLeaf, type TlsMaterial } from './serverLeaf.ts';

const installId = '0b7c5a52-3a55-4a0c-9d3c-0f4f6e0c2b11';
const DAY_MS = 86_400_000;
let dir: string;
let leaf: ServerLeaf;
let now: Date;
const shown: TlsMaterial[] = [];
beforeEach(async () => {
  shown.length = 0;
  now = new Date('2026-06-01T12:00:00Z');
  dir = await mkdtemp(join(tmpdir(), 'stackyard-leaf-'));
  const authorities = await Authorities.open(join(dir, 'identity'), { installId, now });
  const clock = { ...systemClock, now: () => now };
  const log = createLogger({ level: 'silent' });
  leaf = new ServerLeaf({
    authorities,
    installId,
    names: ['server.example', '10.0.0.5'],
    lifeMs: 7 * DAY_MS,
    clock,
    log,
  });
  leaf.onRenewed((material) => shown.push(material));
});
afterEach(async () => {
  vi.useRealTimers();
  leaf.stop();
  await rm(dir, { recursive: true, force: true });
});

test('it serves and does nothing else, in the name of the server of its installation, and by the names of the machine', async () => {
  await leaf.renew();
  const certificate = new X509Certificate(leaf.material.cert);
  expect(certificate.subjectAltName).toBe(
    `URI:stackyard://${installId}/server, DNS:server.example, IP Address:10.0.0.5`,
  );
  expect([certificate.ca, certificate.keyUsage]).toEqual([false, ['1.3.6.1.5.5.7.3.1']]);
  expect(certificate.checkIssued(new X509Certificate(leaf.material.ca))).toBe(true);
});

test('it is renewed for a new key at two thirds of its life', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await leaf.renew();
  now = new Date(now.getTime() + 4 * DAY_MS);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(shown).toHaveLength(1);
  now = new Date(now.getTime() + DAY_MS);
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  await vi.waitFor(() => expect(shown).toHaveLength(2));
  expect(shown[1]?.key).not.toBe(shown[0]?.key);
});

test('after its machine has slept past the end it is renewed within a minute of waking up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await leaf.renew();
  // No timer has moved meanwhile.
  now = new Date(now.getTime() + 30 * DAY_MS);
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  await vi.waitFor(() => expect(shown).toHaveLength(2));
  expect(new X509Certificate(leaf.material.cert).validToDate.getTime()).toBeGreaterThan(now.getTime());
});
