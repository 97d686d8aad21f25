import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Decision, ExitRecord } from '../executor/records.ts';
import { Draft } from './draft.ts';
import { renameIfPresent, syncWithName } from './durable.ts';
import { encodeDecision, encodeExit, monotonicMs, readEnding } from './entry.ts';

/** Can be opened and not be synced: all is done but the disk's part. */
const withoutDisk = '/proc/self/stat';

/** What a runner does with files around its task, once, in a directory that it has for itself: the first time takes longest. */
export async function rehearseFiles(parent: string, cookie: string): Promise<void> {
  const dir = join(parent, 'attempt');
  mkdirSync(dir, { mode: 0o700 });
  const draft = new Draft(`${dir}/draft`);
  try {
    const { pid } = process;
    const at = { decidedAt: Date.now(), decidedMono: monotonicMs() };
    const decision: Decision = {
      verdict: 'run',
      by: 'runner',
      pid,
      startTime: 0,
      bootId: '',
      cookie,
      group: [],
      ...at,
    };
    draft.linkOnce(`${dir}/decision.1`, encodeDecision(decision));
    renameIfPresent(`${dir}/decision.1`, `${dir}/output`);
    readEnding(dir);
    const exit: ExitRecord = { exitCode: 0, output: {}, startedAt: at.decidedAt, durationMs: 0, logSize: 0 };
    draft.linkOnce(`${dir}/exit`, encodeExit(exit));
    await syncWithName(withoutDisk).catch(() => undefined);
  } finally {
    draft.discard();
    rmSync(dir, { recursive: true, force: true });
  }
}
