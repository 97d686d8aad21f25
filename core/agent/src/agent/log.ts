import { mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { destination, type Logger, multistream, pino, type StreamEntry } from 'pino';

const ROTATE_BYTES = 16 * 1024 * 1024;

/** The agent's own log: a file of the host, and standard error when asked for. */
export function openLog(
  file: string,
  { stderr = false, level = 'info' }: { stderr?: boolean; level?: string } = {},
): Logger {
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  try {
    if (statSync(file).size > ROTATE_BYTES) renameSync(file, `${file}.1`);
  } catch {
    // There is none yet.
  }
  const streams: StreamEntry[] = [{ stream: destination({ dest: file, sync: true, mode: 0o640 }) }];
  if (stderr) streams.push({ stream: destination({ dest: 2, sync: true }) });
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, multistream(streams));
}
