import { linkSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CliError, ConflictError } from '../errors.ts';
import { identityOf, isAlive } from './identity.ts';
import { readIdentity } from './processes.ts';

/** Of the data that this version writes; another one is refused. */
const FORMAT = 1;

/** What the demo remembers from start to start. */
export interface DemoState {
  readonly format: number;
  readonly hosts: number;
  /** Of the first host; the others follow. */
  readonly address?: string;
  /** Agents keep dialling this one. */
  readonly agentPort: number;
  /** Absent in data of a version in which hosts joined at the port of the agents. */
  readonly enrolmentPort?: number;
  readonly url?: string;
  /** What is brought up; ZooKeeper where data of an older version does not say. */
  readonly stacks?: readonly string[];
}

/** Where the demo keeps what. */
export interface DemoLayout {
  readonly dir: string;
  readonly server: string;
  readonly host: (name: string) => string;
  readonly pidFile: (name: string) => string;
  readonly logFile: (name: string) => string;
  readonly stateFile: string;
}

/** @throws CliError when the folder cannot be used */
export function openLayout(path: string): DemoLayout {
  let dir = resolve(path);
  const at = (...parts: string[]): string => join(dir, ...parts);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // Processes are recognised by their paths, and these have no links in them.
    dir = realpathSync(dir);
    for (const folder of [at('run'), at('log'), at('hosts')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(at('run', '.probe'), '');
    rmSync(at('run', '.probe'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new CliError(`The disk of ${dir} is full. Free a GB there, or choose another folder by --data-dir.`);
    throw new CliError(
      `The folder ${dir} cannot be written (${code}). Mend its rights, or choose another by --data-dir.`,
    );
  }
  return {
    dir,
    server: at('server'),
    host: (name) => at('hosts', name),
    pidFile: (name) => at('run', `${name}.json`),
    logFile: (name) => at('log', `${name}.log`),
    stateFile: at('demo.json'),
  };
}

/** What was remembered; undefined at the first start. @throws CliError for data of another version */
export function readState({ stateFile, dir }: DemoLayout): DemoState | undefined {
  let text: string;
  try {
    text = readFileSync(stateFile, 'utf8');
  } catch {
    return undefined;
  }
  const state = parsed(text);
  if (state?.format === FORMAT) return state;
  throw new CliError(
    `The data in ${dir} was made by another version of the demo. Delete the folder, or choose another by --data-dir.`,
  );
}

function parsed(text: string): DemoState | undefined {
  try {
    return JSON.parse(text) as DemoState;
  } catch {
    return undefined;
  }
}

export function writeState({ stateFile }: DemoLayout, state: Omit<DemoState, 'format'>): void {
  writeFileSync(`${stateFile}.new`, `${JSON.stringify({ format: FORMAT, ...state }, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${stateFile}.new`, stateFile);
}

/** One demo per folder. @returns its undo. @throws ConflictError */
export function lockDemo(layout: DemoLayout): () => void {
  const file = layout.pidFile('demo');
  const own = `${file}.${process.pid}`;
  writeFileSync(own, `${JSON.stringify(identityOf(process.pid))}\n`, { mode: 0o600 });
  try {
    for (;;) {
      try {
        // A link is made or not made, also when two start at once.
        linkSync(own, file);
        return () => rmSync(file, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = readIdentity(file);
      if (holder && isAlive(holder)) {
        const url = readState(layout)?.url;
        throw new ConflictError(
          `A demo runs in ${layout.dir} already (process ${holder.pid}${url ? `, ${url}` : ''}). Stop it by Ctrl-C there, or give this one its own --data-dir and --port.`,
        );
      }
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}
