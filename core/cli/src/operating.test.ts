import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { testTerminal } from './output/testing.ts';
import { buildProgram } from './program.ts';

const server = join(import.meta.dirname, '../../server');
const guide = readFileSync(join(server, 'OPERATING.md'), 'utf8');
const agentHelp = readFileSync(join(import.meta.dirname, '../../agent/src/main.ts'), 'utf8');
const joinScript = readFileSync(join(import.meta.dirname, '../../agent/src/launcher/join.sh'), 'utf8');
const commands = [...guide.matchAll(/```sh\n(.*?)```/gs)]
  .flatMap(([, block = '']) => block.split('\n'))
  .concat([...guide.matchAll(/`(npx stackyard [a-z][^`<]*)`/g)].map(([, line = '']) => line))
  .filter((line) => line.includes('npx stackyard'))
  .map((line) => line.slice(line.indexOf('npx stackyard') + 'npx stackyard '.length))
  // As a shell reads it: a word that begins with # begins a comment.
  .map((line) => line.replace(/\s+#.*$/, ''));

describe("the operator's guide", () => {
  let program: Command;
  beforeAll(async () => {
    program = await buildProgram(testTerminal(), 'all');
  });

  test('shows commands, and those of every noun that operators need', () => {
    const nouns = new Set(commands.map((line) => line.split(' ', 1).join('')));
    expect([...nouns].toSorted()).toEqual([
      'agent',
      'api',
      'bundle',
      'ca',
      'cluster',
      'component',
      'config',
      'context',
      'fleet',
      'host',
      'job',
      'plan',
      'publisher',
      'server',
      'service',
      'stack',
      'trust',
    ]);
  });

  test.each(commands)('stackyard %s', (line) => {
    const words = line.trim().split(/\s+/);
    let command = program;
    while (words[0] !== undefined && command.commands.some((each) => each.name() === words[0])) {
      command = command.commands.find((each) => each.name() === words[0]) as Command;
      words.shift();
    }
    expect(command).not.toBe(program);
    if (command.name() === 'agent') {
      for (const flag of words.filter((word) => word.startsWith('--'))) expect(agentHelp).toContain(flag);
      return;
    }
    expect(command.commands, `${command.name()} needs a verb`).toEqual([]);
    const { operands, unknown } = command.parseOptions(words);
    expect(unknown).toEqual([]);
    const { registeredArguments } = command;
    expect(operands.length).toBeGreaterThanOrEqual(registeredArguments.filter(({ required }) => required).length);
    if (!registeredArguments.at(-1)?.variadic) expect(operands.length).toBeLessThanOrEqual(registeredArguments.length);
  });

  test('every flag it speaks of is one of the server, of some command or of the join script', () => {
    const all = new Set(`${agentHelp}${joinScript}`.match(/--[a-z-]+/g));
    const visit = (command: Command): void => {
      for (const { long } of command.options) if (long) all.add(long);
      command.commands.forEach(visit);
    };
    visit(program);
    const spoken = guide.match(/(?<=`)--[a-z-]+/g) ?? [];
    expect(spoken.filter((flag) => !all.has(flag) && flag !== '--help')).toEqual([]);
  });

  test('every code it explains is one that the server has', () => {
    const known = readdirSync(join(server, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('errors.ts'))
      .map((path) => readFileSync(join(server, 'src', path), 'utf8'))
      .join('\n');
    const rows = guide.match(/^\| `[A-Z_`, ]+\|/gm) ?? [];
    const codes = rows.flatMap((row) => row.match(/[A-Z_]{4,}/g) ?? []);
    expect(codes.length).toBeGreaterThan(20);
    expect(codes.filter((code) => !known.includes(`'${code}'`))).toEqual([]);
  });
});
