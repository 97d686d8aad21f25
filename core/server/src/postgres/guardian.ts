import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { type Account, spawnIds } from './account.ts';
import { lockFunction, type LockTool } from './filelock.ts';
import type { Layout } from './layout.ts';

/** Exit code of a guardian that found another one at work (EX_TEMPFAIL). */
export const guardianBusy = 75;

/**
 * The guardian: PostgreSQL's parent, a shell of its own session that survives the server. While a server lives it
 * sleeps in the kernel, waiting for the lock that the server holds on descriptor 4. When it gets the lock, nobody
 * serves this database: if no server takes the lock within the grace time, PostgreSQL is stopped — under the
 * lock, so that a server which starts just then waits. When PostgreSQL ends, the guardian and all its helpers end.
 */
const script = `
pgdata=$1 grace=$2; shift 2
lock 3 6 || exit ${guardianBusy}
if [ "$1" = --watch ]; then postgres=$2; else "$@" 3>&- 4>&- & postgres=$!; fi
ours() { read -r pid _ < "$pgdata/postmaster.pid" && [ "$pid" = "$postgres" ] && kill -0 "$pid"; } 2>/dev/null
watch() {
  while :; do
    lock 4 1 || exit
    lock 4 8
    left=$grace
    while [ "$left" -gt 0 ] && lock 4 5; do lock 4 8; sleep 1; left=$((left - 1)); done
    [ "$left" -gt 0 ] && continue
    lock 4 6 || continue
    ours && kill -INT "$postgres"
    while ours; do sleep 0.1; done
    exit
  done
}
watch 3>&- &
if [ "$1" = --watch ]; then
  while ours; do sleep 2; done
  code=0
else
  wait "$postgres"
  code=$?
fi
trap '' TERM
kill -TERM 0
exit "$code"
`;

export interface GuardianOptions {
  readonly layout: Layout;
  readonly account: Account;
  readonly tool: LockTool;
  /** Seconds without a server after which PostgreSQL is stopped. */
  readonly graceSeconds: number;
  /** The command line of PostgreSQL to start, or the running one to watch. */
  readonly run: readonly string[] | { readonly watch: number };
}

/** Starts a guardian that outlives this process. It ends with `guardianBusy` when there is one already. */
export function startGuardian(options: GuardianOptions): ChildProcess {
  const { layout, account, tool, graceSeconds, run } = options;
  const command = 'watch' in run ? ['--watch', String(run.watch)] : run;
  // Opened here, not there: another account may not open them, and a lock belongs to the open file, so
  // the guardian needs one of its own for the server's lock.
  const files = [
    openSync(layout.log, 'a', 0o600),
    openSync(layout.guardianLock, 'a+', 0o600),
    openSync(layout.serverLock, 'r+'),
  ];
  const [log, own, server] = files as [number, number, number];
  try {
    const shell = [
      '-c',
      lockFunction[tool] + script,
      'stackyard-guardian',
      layout.pgdata,
      String(graceSeconds),
      ...command,
    ];
    const guardian = spawn('/bin/sh', shell, {
      cwd: layout.dataDir,
      detached: true,
      stdio: ['ignore', log, log, own, server],
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      ...spawnIds(account),
    });
    // Who waits for its exit hears of a failed spawn; nobody else needs to.
    guardian.on('error', () => undefined);
    return guardian;
  } finally {
    for (const file of files) closeSync(file);
  }
}
