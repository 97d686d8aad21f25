import { mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { LogFileError } from './errors.ts';

/**
 * Opens a log file for appending, made with mode 0600 and its folder with 0700. Lines are written without delay, so
 * that a crash loses none. A line that cannot be written is dropped, and the first of a row of such is told on standard
 * error: a full disk costs the log, never the program.
 *
 * @throws LogFileError when the file cannot be opened.
 */
export function openLogFile(file: string): { write(line: string): void } {
  const descriptor = open(file);
  let broken = false;
  return {
    write(line) {
      try {
        writeSync(descriptor, line);
        broken = false;
      } catch (error) {
        if (!broken) process.stderr.write(`The log ${file} cannot be written, lines are lost: ${codeOf(error)}\n`);
        broken = true;
      }
    },
  };
}

function open(file: string): number {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw new LogFileError({ file, reason: codeOf(error) }, { cause: error });
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
