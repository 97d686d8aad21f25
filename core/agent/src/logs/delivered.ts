import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptRef } from '../session/messages.ts';

interface Directories {
  pathOf(ref: AttemptRef): string;
}

const MARK = 'log-delivered';

/** Notes that the server has the whole log. Not synced: without the note the log is offered again, and trimmed there. */
export function markDelivered(spool: Directories, ref: AttemptRef): void {
  // The directory may have been swept meanwhile; then there is nothing to note.
  void writeFile(join(spool.pathOf(ref), MARK), '', { mode: 0o600 }).catch(() => undefined);
}

export function isDelivered(spool: Directories, ref: AttemptRef): boolean {
  return existsSync(join(spool.pathOf(ref), MARK));
}
