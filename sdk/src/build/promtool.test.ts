import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a process that has found no promtool waits for nothing any more', async () => {
  const alert = { name: 'Down', expr: 'up == 0', summary: '', remedy: '' };
  const stack = JSON.stringify({ services: [{ name: 'demo', alerts: [alert] }] });
  const code = `
    import { checkRules } from ${JSON.stringify(import.meta.resolve('./promtool.ts'))};
    const { note } = await checkRules(${stack}, { promtool: '/nothing/here' });
    console.log(JSON.stringify({ note, waitsFor: process.getActiveResourcesInfo() }));`;
  const args = ['--conditions=@stackyard/source', '--input-type=module', '--eval', code];
  const { note, waitsFor } = JSON.parse((await promisify(execFile)(process.execPath, args)).stdout);
  expect(note).toContain('promtool is not on PATH');
  expect(waitsFor).not.toContain('Timeout');
});
