import { afterAll, expect, test } from 'vitest';
import type { StackRow } from '../database/entities.ts';
import type { PlanningStacks } from '../stacks/store.ts';
import { planCommand } from './planning.ts';
import { Renderer } from './renderer.ts';
import { emptyCluster, stacks } from './testing/sample.ts';

const renderer = new Renderer();
afterAll(() => renderer.stop());

const add = {
  command: 'add' as const,
  services: [{ service: 'demo', components: { worker: ['h1'], head: [] } }],
};
const state = emptyCluster(1);
const [{ name, version, digest } = { name: '', version: '', digest: '' }] = state.stacks;
const warningsOf = async (more: Partial<PlanningStacks>, ...[from, request]: Partial<Parameters<typeof planCommand>>) =>
  (await planCommand(from ?? state, request ?? add, { stacks: { ...stacks, ...more }, renderer })).plan.warnings;
const signer = { publisher: 'acme', keyId: 'ed25519-1' };
const revoked = async () => new Map([[digest, signer]]);

test('whoever runs something from a version whose key was revoked is told whose it was and what to do', async () => {
  const warning = {
    code: 'STACK_REVOKED',
    message: `demo runs from ${name}@${version}, which acme signed with the key ed25519-1. That key was revoked since, so anybody may have made this version: ask acme, and upgrade demo to a version that is signed with another key.`,
  };
  expect(await warningsOf({ revoked })).toContainEqual(warning);
  const { next } = await planCommand(state, add, { stacks, renderer });
  const stopped = { desired: 'INSTALLED', observed: 'STOPPED', configVersion: 1 } as const;
  const services = next.services.map((service) => ({
    ...service,
    hostComponents: service.hostComponents.map((each) => ({ ...each, ...stopped })),
  }));
  expect(await warningsOf({ revoked }, { ...next, services }, { command: 'start', target: {} })).toContainEqual(
    warning,
  );
});

test('a revoked key of another version is no warning', async () => {
  expect(await warningsOf({ revoked: async () => new Map([['sha512-other', signer]]) })).toEqual([]);
});

test('a version that its author no longer recommends is said to be deprecated where something is added from it', async () => {
  const row = { digest, deprecated: 'Take 2.0.0.' } as StackRow;
  expect(await warningsOf({ list: async () => [row] })).toContainEqual({
    code: 'STACK_DEPRECATED',
    message: `demo runs from ${name}@${version}, which its author has deprecated: Take 2.0.0.`,
  });
});
