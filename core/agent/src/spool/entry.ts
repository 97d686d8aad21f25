import { readFileSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { Accepted, Decision, EntryOnDisk, ExitRecord, Found } from '../executor/records.ts';
import type { AttemptRef } from '../session/messages.ts';
import { InvalidAttemptError } from './errors.ts';
import { decodeRecord, encodeRecord, type JournalRecord } from './record.ts';

export type { Accepted, AttemptRef, Decision, EntryOnDisk, ExitRecord, Found };

export type AttemptPhase = 'ACCEPTED' | 'DECIDED' | 'EXITED' | 'ACKED';

const taskForm = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
const entryForm = /^([A-Za-z0-9][A-Za-z0-9-]{0,63})\.([1-9]\d{0,8})$/;

export function attemptId({ taskId, number }: AttemptRef): string {
  return `${taskId}/${number}`;
}

/** @throws InvalidAttemptError when the ids could not name a directory */
export function entryName({ taskId, number }: AttemptRef): string {
  const isNumber = Number.isInteger(number) && number > 0 && number < 1e9;
  if (!taskForm.test(taskId) || !isNumber) throw new InvalidAttemptError(`${taskId}/${number}`);
  return `${taskId}.${number}`;
}

export function parseEntryName(name: string): AttemptRef | undefined {
  const match = entryForm.exec(name);
  return match ? { taskId: match[1]!, number: Number(match[2]) } : undefined;
}

/** The monotonic clock that all processes of this boot share, in milliseconds. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

export function encodeAccepted(accepted: Accepted, payload: Uint8Array): Buffer {
  return encodeRecord(accepted, payload);
}

export const encodeDecision = (decision: Decision): Buffer => encodeRecord(decision);
export const encodeExit = (exit: ExitRecord): Buffer => encodeRecord(exit);

/** Reads `cmd`: the head and the command. */
export async function readCommand(dir: string): Promise<Found<{ accepted: Accepted; payload: Buffer }>> {
  const record = await readRecord(`${dir}/cmd`);
  // An empty one was never written: a power loss left only its name.
  if (record === 'unreadable' && statSync(`${dir}/cmd`).size === 0) return 'none';
  return typeof record === 'string' ? record : { accepted: record.head as Accepted, payload: record.body };
}

/** Reads what an attempt's directory says apart from the command. */
export async function readProgress(dir: string): Promise<Omit<EntryOnDisk, 'accepted'>> {
  const numbers = (await readdir(dir)).flatMap((name) => /^decision\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  const tryNumber = Math.max(0, ...numbers);
  const decision = tryNumber === 0 ? 'none' : await readRecord(`${dir}/decision.${tryNumber}`);
  return {
    tryNumber,
    decision: typeof decision === 'string' ? decision : (decision.head as Decision),
    exit: await readExit(dir),
    ending: readEnding(dir),
  };
}

export async function readExit(dir: string): Promise<Found<ExitRecord>> {
  const record = await readRecord(`${dir}/exit`);
  return typeof record === 'string' ? record : (record.head as ExitRecord);
}

/** `readExit` without waiting. */
export function readExitNow(dir: string): Found<ExitRecord> {
  try {
    const record = decodeRecord(readFileSync(`${dir}/exit`));
    return record ? (record.head as ExitRecord) : 'unreadable';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none';
    throw error;
  }
}

/** The reason the agent left in `ending` before it signalled the attempt. */
export function readEnding(dir: string): string | undefined {
  try {
    return readFileSync(`${dir}/ending`, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

async function readRecord(file: string): Promise<Found<JournalRecord>> {
  try {
    return decodeRecord(await readFile(file)) ?? 'unreadable';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none';
    throw error;
  }
}
