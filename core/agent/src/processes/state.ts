import { readFileSync } from 'node:fs';
import { isAlive, parseIdentity, type ProcessIdentity, readBootId } from './identity.ts';
import type { Backoff, ProcessSpec } from './spec.ts';

export type Desired = 'running' | 'stopped';

/** How a process of a component ended, as its keeper saw it. */
export interface ProcessExit {
  /** The exit code; 128 + n after signal n. Undefined when an adopting keeper could not know it. */
  readonly code: number | undefined;
  readonly pid: number;
  /** Milliseconds since 1970, to the second. */
  readonly at: number;
  readonly ranSeconds: number;
}

export interface ComponentState {
  readonly desired: Desired;
  /** The process started last, alive or not. */
  readonly process?: ProcessIdentity;
  readonly alive: boolean;
  readonly keeperAlive: boolean;
  /** How often the process ended since it was started by a task, which is how often it was started again. */
  readonly restarts: number;
  readonly lastExit?: ProcessExit;
}

/** What a component directory remembers of the last start. */
export interface StoredSpec {
  readonly hostComponentId: string;
  readonly spec: ProcessSpec;
  readonly backoff: Backoff;
}

/** Reads the state of a component from its directory; a directory never used reads as stopped. */
export function readState(dir: string): ComponentState {
  const bootId = readBootId();
  const process = identityIn(`${dir}/pid`);
  const keeper = identityIn(`${dir}/keeper`);
  const last = lastLine(`${dir}/exits`);
  const lastExit = last === undefined ? undefined : parseExit(last);
  return {
    desired: textOf(`${dir}/desired`)?.trim() === 'running' ? 'running' : 'stopped',
    ...(process ? { process } : {}),
    alive: process !== undefined && isAlive(process, bootId),
    keeperAlive: keeper !== undefined && isAlive(keeper, bootId),
    restarts: lastExit?.number ?? 0,
    ...(lastExit ? { lastExit: lastExit.exit } : {}),
  };
}

/** The keeper's own identity, alive or not. */
export function keeperOf(dir: string): ProcessIdentity | undefined {
  return identityIn(`${dir}/keeper`);
}

export function readSpec(dir: string): StoredSpec | undefined {
  const text = textOf(`${dir}/spec.json`);
  return text === undefined ? undefined : (JSON.parse(text) as StoredSpec);
}

/** Parses a line of `exits`: "n epoch rc pid seconds". */
export function parseExit(line: string): { number: number; exit: ProcessExit } | undefined {
  const match = /^(\d+) (\d+) (\d+|unknown) (\d+) (\d+)$/.exec(line);
  if (!match) return undefined;
  const [, number, epoch, code, pid, seconds] = match;
  return {
    number: Number(number),
    exit: {
      code: code === 'unknown' ? undefined : Number(code),
      pid: Number(pid),
      at: Number(epoch) * 1_000,
      ranSeconds: Number(seconds),
    },
  };
}

function identityIn(file: string): ProcessIdentity | undefined {
  const text = textOf(file);
  return text === undefined ? undefined : parseIdentity(text);
}

function lastLine(file: string): string | undefined {
  return textOf(file)?.trimEnd().split('\n').at(-1);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
