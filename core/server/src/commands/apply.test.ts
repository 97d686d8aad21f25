import type { ClusterState, CommandRequest } from '@stackyard/planner';
import { afterAll, expect, test } from 'vitest';
import { changesOf } from './apply.ts';
import { newJob } from './newJob.ts';
import { planCommand } from './planning.ts';
import { Renderer } from './renderer.ts';
import { statementFor } from './statement.ts';
import type { StoredRows } from './storedRows.ts';
import { emptyCluster, stacks } from './testing/sample.ts';

const renderer = new Renderer();
afterAll(() => renderer.stop());

const by = { createdBy: 'admin', basis: 7 };
const planned = (state: ClusterState, request: CommandRequest) => planCommand(state, request, { stacks, renderer });
const add = {
  command: 'add' as const,
  services: [{ service: 'demo', components: { worker: ['h1', 'h2'], head: [] } }],
};
const counts = (rows: StoredRows) =>
  Object.fromEntries(Object.entries(rows).flatMap(([kind, { length }]) => (length > 0 ? [[kind, length]] : [])));

test('a command that changes layout or configs raises the revision and says what changed', async () => {
  const { revision, rows, events } = changesOf(await planned(emptyCluster(2), add), by);
  expect([revision, counts(rows), events.map(({ payload }) => payload)]).toMatchObject([
    8,
    { revisions: 1, addedServices: 1, configVersions: 1, addedHostComponents: 2 },
    [
      { kind: 'service', name: 'demo', change: 'added' },
      { kind: 'cluster', change: 'changed', revision: 8 },
    ],
  ]);
});

test('a command that only runs something leaves the revision as it is', async () => {
  const { next } = await planned(emptyCluster(2), add);
  const check = await planned(next, { command: 'check', target: {} });
  expect(changesOf(check, by)).toEqual({ revision: 7, rows: {}, events: [] });
});

test('what no agent will report gone goes at once, with the service that it leaves empty', async () => {
  const { next } = await planned(emptyCluster(2), add);
  const lost = { ...next, hosts: next.hosts.map((host) => ({ ...host, reachable: false })) };
  const remove = { command: 'remove' as const, target: {}, data: 'keep' as const, lost: true };
  const { rows, events } = changesOf(await planned(lost, remove), by);
  expect([counts(rows), events.map(({ payload }) => payload)]).toMatchObject([
    { removedServices: 1, removedHostComponents: 2 },
    [{ kind: 'service', name: 'demo', change: 'removed' }, { kind: 'cluster' }],
  ]);
});

test('a job without tasks has ended when it begins', async () => {
  const { next } = await planned(emptyCluster(2), add);
  // Nothing is running that could be stopped.
  const made = newJob(await planned(next, { command: 'stop', target: {} }), by);
  const { job } = made;
  const rows = made.rows();
  expect([job.state, job.finishedAt, rows.tasks]).toEqual(['SUCCESSFUL', expect.any(Date), []]);
});

test('a statement has a name of its own for each set of rows, and a parameter for each kind', () => {
  const [texts, joined] = [[{ digest: 'd', content: 'c', createdAt: new Date() }], [{ id: 'h1' }]];
  const forms = [{}, { texts }, { joiningHosts: joined }, { texts, joiningHosts: joined }].flatMap((rows) => [
    statementFor({ id: 'c1', basis: 1 }, rows),
    statementFor({ id: 'c1', basis: 1, plan: 'p1' }, rows),
  ]);
  expect(new Set(forms.map(({ name }) => name)).size).toBe(forms.length);
  for (const { text, values } of forms) {
    const parameters = new Set(text.match(/\$\d+/g));
    expect([...parameters].toSorted()).toEqual(values.map((_, index) => `$${index + 4}`));
  }
});
