import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { filesLeft } from './leftovers.ts';
import { type ContractReport, isKept, reportText } from './report.ts';
import { ContractSettings, contractSettings } from './settings.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-contract-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function put(path: string, content = ''): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), content);
}

test('settings have defaults, and what is not known is refused with its place', async () => {
  expect(await contractSettings(dir)).toEqual({ with: [], requires: [], config: {}, place: {}, change: {} });
  await put('contract.json', '{ "hosts": 3, "host": 1 }');
  await expect(contractSettings(dir)).rejects.toThrow(/contract\.json is not right: .*host/);
  await put('contract.json', '{');
  await expect(contractSettings(dir)).rejects.toThrow('contract.json is no JSON');
});

test('the page for authors names every setting, and its example is one', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../../sdk/docs/language.md'), 'utf8');
  const [, section = ''] = page.split('## The real test');
  const named = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, key = '']) => key);
  expect(named.toSorted()).toEqual(Object.keys(ContractSettings.shape).toSorted());
  const [, example = ''] = /```json contract\.json\n(.*?)```/s.exec(section) ?? [];
  await put('contract.json', example);
  expect((await contractSettings(dir)).hosts).toBe(3);
});

test('what a stack left on a host is told apart from what the agent keeps', async () => {
  await put('var/lib/stackyard/agent/identity/key.pem');
  await put('var/log/stackyard/agent.log');
  expect(await filesLeft(dir)).toEqual([]);
  await put('etc/stackyard/store/one/store.conf');
  await put('var/lib/store/data/1');
  await put('var/lib/stackyard/components/x/pid');
  expect(await filesLeft(dir)).toEqual([
    'etc/stackyard/store/one/store.conf',
    'var/lib/stackyard/components/x/pid',
    'var/lib/store/data/1',
  ]);
});

const report: ContractReport = {
  format: 1,
  stack: { name: '@stack/store', version: '1.2.0', digest: 'sha512-ab' },
  services: [{ name: 'store', version: '7.0' }],
  sdk: '0.1.0',
  hosts: 2,
  machine: '2 × Processor, 4 GiB, Linux 6.1',
  startedAt: '2026-01-02T03:04:05.000Z',
  steps: [
    { name: 'install', promise: 'it is installed', outcome: 'kept', detail: 'one on host1', seconds: 2 },
    { name: 'links', promise: 'links answer', outcome: 'skipped', detail: 'there is none', seconds: 0 },
  ],
};

test('a report is kept when nothing that applies was broken, and reads as a table', () => {
  expect(isKept(report)).toBe(true);
  const broken = { ...report.steps[0]!, outcome: 'broken' as const, detail: 'a | b\nc' };
  expect(isKept({ ...report, steps: [broken] })).toBe(false);
  expect(reportText(report)).toContain('| links | links answer | does not apply | 0.0 | there is none |');
  expect(reportText({ ...report, steps: [broken] })).toContain('| **broken** | 2.0 | a \\| b c |');
});
