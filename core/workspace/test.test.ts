import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { clearReports, countReports } from './reports.mjs';
import { run } from './run.mjs';
import { chooseSteps, stepsOf } from './steps.mjs';
import { closingLine, tableOf } from './summary.mjs';

const folder = mkdtempSync(join(tmpdir(), 'stackyard-reports-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Status = 'passed' | 'failed' | 'pending' | 'todo';
let written = 0;

/** Writes a report as vitest does, of one file whose tests ended as told. */
function report(statuses: readonly Status[], fileStatus: 'passed' | 'failed' = 'passed'): string {
  const file = join(folder, `${++written}.json`);
  const count = (status: Status) => statuses.filter((one) => one === status).length;
  const assertionResults = statuses.map((status, index) => ({ status, fullName: `test ${index}` }));
  const testResults = [{ name: 'a.test.ts', status: fileStatus, assertionResults }];
  writeFileSync(
    file,
    JSON.stringify({ numPassedTests: count('passed'), numFailedTests: count('failed'), testResults }),
  );
  return file;
}

describe('reports', () => {
  test('are added up, and skipped tests are named', () => {
    expect(countReports([report(['passed', 'pending']), report(['passed', 'failed', 'todo'], 'failed')])).toEqual({
      passed: 2,
      failed: 1,
      skipped: 2,
      skippedNames: ['test 1', 'test 2'],
      problems: [],
    });
  });

  test('count a file that failed before its first test', () => {
    expect(countReports([report(['passed']), report([], 'failed')])).toMatchObject({
      failed: 1,
      problems: ['a.test.ts failed outside its tests.'],
    });
  });

  test('that are missing or cut off are failures', () => {
    const cut = join(folder, 'cut.json');
    writeFileSync(cut, '{"numPassedTests": 3');
    expect(countReports([report(['passed']), cut, join(folder, 'none.json')])).toMatchObject({ passed: 1, failed: 2 });
  });

  test('without any test are a failure', () => {
    expect(countReports([report([])])).toMatchObject({ failed: 1, problems: ['no test ran.'] });
    expect(countReports([report(['pending'])])).toMatchObject({ failed: 1, skipped: 1 });
  });

  test('of earlier runs are removed', () => {
    const old = report(['passed']);
    clearReports([old]);
    expect(countReports([old])).toMatchObject({ passed: 0, failed: 1 });
  });
});

describe('steps', () => {
  test('of the long kind run by `npm run e2e`, never by `npm test`', () => {
    const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const only = /--only (\S+)$/.exec(scripts['e2e'] ?? '')?.[1];
    const kinds = (chosen: string | undefined) =>
      new Set(chooseSteps(stepsOf(), { only: chosen }).map(({ env }) => env?.['TEST_KIND']));
    expect(kinds(only)).toEqual(new Set(['e2e', 'long']));
    expect(kinds(undefined)).not.toContain('long');
  });

  test('are chosen by name, and a name that is unknown is refused with those there are', () => {
    const names = (options: Parameters<typeof chooseSteps>[1]) =>
      chooseSteps(stepsOf(), options).map(({ group }) => group);
    expect(names({ only: 'unit, types' })).toEqual(['types', 'unit']);
    expect(new Set(names({}))).toEqual(new Set(['types', 'lint', 'format', 'layers', 'unit', 'integration', 'e2e']));
    expect(names({ noE2e: true })).not.toContain('e2e');
    expect(names({ only: 'long' })).toContain('long');
    expect(() => names({ only: 'units' })).toThrow('There is no step units. There are: types, lint,');
  });

  test('see nothing of a database or a server that the caller works with', async () => {
    process.env['DATABASE_URL'] = 'postgres://mine';
    process.env['STACKYARD_TOKEN'] = 'mine';
    try {
      const script =
        'console.log(JSON.stringify([process.env.DATABASE_URL, process.env.STACKYARD_TOKEN, process.env.OWN]))';
      const step = { command: [process.execPath, '-e', script], env: { OWN: 'yes' }, limitMinutes: 1 };
      expect(await run(step)).toMatchObject({ exitCode: 0, output: '[null,null,"yes"]\n', note: undefined });
    } finally {
      delete process.env['DATABASE_URL'];
      delete process.env['STACKYARD_TOKEN'];
    }
  });

  test('that take too long are ended with all they started', async () => {
    const command = ['sh', '-c', 'sleep 300 & echo $!; wait'];
    const { exitCode, note, output } = await run({ command, limitMinutes: 0.005 });
    expect({ exitCode, note }).toEqual({ exitCode: 1, note: 'it was ended after its limit of 0.005 minutes.' });
    await expect.poll(() => runs(Number(output))).toBe(false);
  });

  test('end although something they left behind holds their output', async () => {
    const { exitCode, output } = await run({ command: ['sh', '-c', 'setsid sleep 30 & echo $!'], limitMinutes: 1 });
    process.kill(Number(output));
    expect(exitCode).toBe(0);
  });

  test('whose program is missing fail with its name', async () => {
    expect(await run({ command: ['no-such-program'], limitMinutes: 1 })).toMatchObject({
      exitCode: 127,
      output: expect.stringContaining('no-such-program did not start'),
    });
  });
});

test('the table and the closing line sum up what ran', () => {
  const rows = [
    { name: 'types', seconds: 2.94, passed: 1, failed: 0, skipped: 0 },
    { name: 'integration core/server', seconds: 185, passed: 120, failed: 2, skipped: 1 },
  ];
  expect(tableOf(rows)).toMatchInlineSnapshot(`
    "step                          time  passed  failed  skipped
    types                        2.9 s       1       0        0
    integration core/server  3 min 5 s     120       2        1"
  `);
  expect(closingLine(rows)).toBe('121 passed, 2 failed, 1 skipped');
  expect(closingLine(rows.slice(0, 1))).toBe('1 passed, 0 failed');
});

/** Whether a process runs; one that ended and whom nobody asked how does not. */
function runs(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) [ZX] /.test(readFileSync(stat, 'utf8'));
}
