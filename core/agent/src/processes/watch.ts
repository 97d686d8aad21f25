import { type Dirent, type FSWatcher, mkdirSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { type ComponentState, readState } from './state.ts';

export interface ComponentWatcher {
  close(): void;
}

export interface WatchOptions {
  /** How often to look for what no file tells, such as a killed keeper; 2 s unless told. */
  readonly pollMs?: number;
}

const meaningful = new Set(['pid', 'keeper', 'exits', 'desired', 'stop']);

/**
 * Follows the components below `rootDir`, one directory each, and calls back with every state that differs from the one before,
 * first with the state each has now. An exit is seen within milliseconds.
 */
export function watchComponents(
  rootDir: string,
  onChange: (name: string, state: ComponentState) => void,
  { pollMs = 2_000 }: WatchOptions = {},
): ComponentWatcher {
  mkdirSync(rootDir, { recursive: true, mode: 0o700 });
  const watchers = new Map<string, FSWatcher>();
  const seen = new Map<string, string>();
  const due = new Set<string>();
  let closed = false;

  function look(name: string): void {
    if (closed) return;
    const state = readState(join(rootDir, name));
    const text = JSON.stringify(state);
    if (seen.get(name) === text) return;
    seen.set(name, text);
    onChange(name, state);
  }
  // The keeper changes several files in a row; one look after them is enough.
  function soon(name: string): void {
    if (due.size === 0) setImmediate(() => [...due].forEach((each) => (due.delete(each), look(each))));
    due.add(name);
  }
  function follow(name: string): void {
    try {
      const watcher = watch(join(rootDir, name), (_event, file) => meaningful.has(file ?? '') && soon(name));
      watcher.on('error', () => watcher.close());
      watchers.set(name, watcher);
    } catch {
      return; // gone again
    }
    soon(name);
  }
  function forget(name: string): void {
    watchers.get(name)?.close();
    watchers.delete(name);
    seen.delete(name);
  }
  function list(): void {
    if (closed) return;
    const entries = entriesOf(rootDir);
    const names = new Set(entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name));
    for (const name of watchers.keys()) if (!names.has(name)) forget(name);
    for (const name of names) if (!watchers.has(name)) follow(name);
  }

  const root = watch(rootDir, list);
  root.on('error', () => undefined);
  list();
  const timer = setInterval(() => (list(), [...watchers.keys()].forEach(look)), pollMs);
  return {
    close() {
      closed = true;
      clearInterval(timer);
      root.close();
      for (const name of watchers.keys()) forget(name);
    },
  };
}

/** Somebody may have removed the whole directory: then there are no components, which is no reason to end the agent. */
function entriesOf(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return [];
  }
}
