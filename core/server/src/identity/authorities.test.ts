import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Authorities } from './authorities.ts';
import { possibleSteps, type RotationPhase, rotationSteps, stepRotation } from './rotation.ts';

const installId = '0b7c5a52-3a55-4a0c-9d3c-0f4f6e0c2b11';
const now = new Date('2026-06-01T12:00:00Z');
let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'stackyard-authority-'))));
afterEach(() => rm(dir, { recursive: true, force: true }));

const folder = () => join(dir, 'identity');
const open = (id = installId) => Authorities.open(folder(), { installId: id, now });

test('the first start makes an authority that every later one finds again', async () => {
  const first = await open();
  const again = await open();
  expect(again.issuing.sha256).toBe(first.issuing.sha256);
  expect(again.rotation).toEqual({ phase: 'SETTLED', current: first.issuing.sha256 });
  const certificate = new X509Certificate(first.issuing.pem);
  expect([certificate.ca, certificate.subjectAltName]).toEqual([true, `URI:stackyard://${installId}/authority`]);
  expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
});

test('nothing in its folder is for others', async () => {
  await (await open()).step('start', now);
  expect((await stat(folder())).mode & 0o777).toBe(0o700);
  const files = await readdir(folder());
  expect(files).toHaveLength(5);
  for (const file of files) expect([file, (await stat(join(folder(), file))).mode & 0o777]).toEqual([file, 0o600]);
});

test('a rotation goes on where it was after a restart, there and back again', async () => {
  const authorities = await open();
  const old = authorities.issuing.sha256;
  await authorities.step('start', now);
  expect((await open()).trusted).toHaveLength(2);
  expect((await open()).issuing.sha256).toBe(old);
  await authorities.step('switch', now);
  const fresh = (await open()).issuing.sha256;
  expect([fresh === old, (await open()).trusted.map(({ sha256 }) => sha256)]).toEqual([false, [fresh, old]]);
  await authorities.step('rollback', now);
  expect([(await open()).issuing.sha256, (await open()).trusted.length]).toEqual([old, 2]);
  await authorities.step('switch', now);
  await authorities.step('finish', now);
  expect((await open()).trusted.map(({ sha256 }) => sha256)).toEqual([fresh]);
  // The key of an authority that nobody trusts is of use to thieves only.
  expect((await readdir(folder())).toSorted()).toEqual([`${fresh}.key`, `${fresh}.pem`, 'rotation.json'].toSorted());
});

test('every step leads somewhere from where it is possible, and is refused by name from elsewhere', () => {
  const of = (phase: RotationPhase) => ({ phase, current: 'a', ...(phase === 'SETTLED' ? {} : { next: 'b' }) });
  const table = (['SETTLED', 'INTRODUCED', 'SWITCHED'] as const).map((phase) =>
    Object.fromEntries(
      rotationSteps.map((step) => {
        if (!possibleSteps(phase).includes(step)) {
          expect(() => stepRotation(of(phase), step, 'b')).toThrow(/is not possible now\. Possible: /);
          return [step, '-'];
        }
        const { phase: to, current, next } = stepRotation(of(phase), step, 'b');
        return [step, [to, current, next].filter(Boolean).join(' ')];
      }),
    ),
  );
  expect(table).toEqual([
    { start: 'INTRODUCED a b', switch: '-', finish: '-', rollback: '-' },
    { start: '-', switch: 'SWITCHED a b', finish: '-', rollback: 'SETTLED a' },
    { start: '-', switch: '-', finish: 'SETTLED b', rollback: 'INTRODUCED a b' },
  ]);
});

test('the authority of another installation is not used, and a damaged one is named', async () => {
  const { sha256 } = (await open()).issuing;
  await expect(open('ffffffff-0000-4000-8000-000000000000')).rejects.toMatchObject({ code: 'AUTHORITY_ELSEWHERE' });
  await writeFile(join(folder(), `${sha256}.key`), 'x');
  await expect(open()).rejects.toMatchObject({ code: 'AUTHORITY_DAMAGED' });
  await writeFile(
    join(folder(), 'rotation.json'),
    (await readFile(join(folder(), 'rotation.json'), 'utf8')).slice(0, 9),
  );
  await expect(open()).rejects.toThrow(/Restore the folder from a backup/);
});
