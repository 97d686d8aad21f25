import { setImmediate as turn } from 'node:timers/promises';
import type { State } from '@stackyard/domain';
import type { Pool } from 'pg';
import { expect, test, vi } from 'vitest';
import type { JobRow } from '../database/entities.ts';
import type { KnownJob } from '../engine/ports.ts';
import { Jobs } from './jobs.ts';

const id = '6a1f0c1e-0000-4000-8000-000000000001';
const jobIn = (state: State) => ({ id, clusterId: 'c', state }) as JobRow;
const never = new AbortController().signal;

/** A job that the database shows in these states, one look after the other. */
function lookedAt(states: readonly State[], known: () => KnownJob | undefined) {
  let looks = 0;
  const told = new Set<() => void>();
  const query = async () => ({ rows: [jobIn(states[Math.min(looks++, states.length - 1)]!)] });
  const refuse = async () => Promise.reject(new Error('not asked for'));
  const jobs = new Jobs({
    em: () => {
      throw new Error('not asked for');
    },
    sql: { query } as unknown as Pool,
    engine: { known, cancel: refuse, resume: refuse, retry: refuse },
    events: {
      subscribe: (onCommit) => {
        const tell = (): void => onCommit(1);
        told.add(tell);
        return () => void told.delete(tell);
      },
    },
  });
  return { jobs, looks: () => looks, commit: () => told.forEach((tell) => tell()), listeners: () => told.size };
}

test('whoever waits for a job that runs hears its end from the engine, and the database is not asked', async () => {
  const ended = Promise.withResolvers<JobRow>();
  const { jobs, looks, commit, listeners } = lookedAt(['RUNNING'], () => ({
    clusterId: 'c',
    ended: () => ended.promise,
  }));
  const waiting = jobs.wait(id, 30_000, never);
  commit();
  ended.resolve(jobIn('FAILED'));
  expect([(await waiting).state, looks(), listeners()]).toEqual(['FAILED', 0, 0]);
});

test('a job that the engine has not heard of is looked at after each commit', async () => {
  const { jobs, looks, commit } = lookedAt(['PENDING', 'RUNNING', 'SUCCESSFUL'], () => undefined);
  const waiting = jobs.wait(id, 30_000, never);
  for (let seen = 0; seen < 3; seen++) {
    await vi.waitUntil(() => looks() > seen);
    await turn();
    commit();
  }
  expect([(await waiting).state, looks()]).toEqual(['SUCCESSFUL', 3]);
});

test('a job that turned out to be gone from the queues is looked up', async () => {
  let known: KnownJob | undefined = { clusterId: 'c', ended: async () => undefined };
  const { jobs, looks } = lookedAt(['CANCELED'], () => {
    const said = known;
    known = undefined;
    return said;
  });
  expect([(await jobs.wait(id, 30_000, never)).state, looks()]).toEqual(['CANCELED', 1]);
});

test('when the time is up, or the caller gone, the job is answered as it is', async () => {
  const known = () => ({ clusterId: 'c', ended: () => new Promise<undefined>(() => undefined) });
  expect((await lookedAt(['RUNNING'], known).jobs.wait(id, 1, never)).state).toBe('RUNNING');
  const gone = new AbortController();
  const waiting = lookedAt(['PENDING'], known).jobs.wait(id, 30_000, gone.signal);
  gone.abort();
  expect((await waiting).state).toBe('PENDING');
});

test('whose cluster a job of the queues is in is known without the database', async () => {
  const { jobs, looks } = lookedAt(['RUNNING'], () => ({ clusterId: 'c', ended: async () => undefined }));
  expect([await jobs.clusterOf(id), looks()]).toEqual(['c', 0]);
});
