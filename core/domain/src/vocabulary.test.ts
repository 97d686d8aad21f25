import { expect, test } from 'vitest';
import { desiredAfter } from './hostComponent.ts';
import { type Phase, PHASES, phasesOf } from './vocabulary.ts';

test('every phase belongs to a command, to its turns, or to the effect of a changed value', () => {
  const used = new Set<Phase>([...Object.values(phasesOf).flat(), 'settle', 'reload']);
  expect([...PHASES].filter((phase) => !used.has(phase))).toEqual([]);
});

test('what an operator wants of a host component follows from the last phase of the command', () => {
  const wanted = Object.entries(phasesOf).map(([command, phases]) => {
    const last = phases.findLast((phase) => desiredAfter[phase] !== undefined);
    return `${command}: ${last === undefined ? 'as it was' : desiredAfter[last]}`;
  });
  expect(wanted).toMatchInlineSnapshot(`
    [
      "add: RUNNING",
      "start: RUNNING",
      "stop: INSTALLED",
      "restart: RUNNING",
      "configure: as it was",
      "check: as it was",
      "remove: ABSENT",
      "action: as it was",
      "decommission: as it was",
      "recommission: as it was",
      "upgrade: RUNNING",
    ]
  `);
});
