import { pino, stdTimeFunctions } from 'pino';
import { openLogFile } from './logFile.ts';
import { prettyLine } from './pretty.ts';
import { redact } from './redact.ts';
import { token } from './token.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** A type of one sentence only: neither `string` nor a template with values in it. */
type Fixed<S extends string> =
  {} extends Record<S, true> ? 'The message is a fixed sentence: put values into the fields before it.' : S;

/** Writes one line: the values as fields, then a fixed sentence. An error goes into the field `err`. */
export interface Log {
  <const S extends string>(sentence: Fixed<S> & S): void;
  <const S extends string>(fields: Readonly<Record<string, unknown>>, sentence: Fixed<S> & S): void;
}

/**
 * A structured logger. Fields whose names look secret are redacted on every way out.
 *
 * @example
 * log.info({ jobId, host }, 'Task finished');
 */
export interface Logger {
  readonly level: LogLevel;
  readonly trace: Log;
  readonly debug: Log;
  readonly info: Log;
  readonly warn: Log;
  readonly error: Log;
  readonly fatal: Log;
  /** A logger that adds these fields to every line. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}
export const Logger = token<Logger>('kernel.Logger');

export interface LoggerOptions {
  readonly level: LogLevel;
  /** A file (made 0600, written without delay), or something with `write`; standard error when left out. */
  readonly destination?: string | { write(line: string): unknown };
  /** Lines for people instead of JSON. */
  readonly pretty?: boolean;
}

/** Makes a logger on pino: JSON lines with ISO time, level by name, and no process ids. */
export function createLogger({ level, destination, pretty = false }: LoggerOptions): Logger {
  const sink = typeof destination === 'string' ? openLogFile(destination) : (destination ?? standardError());
  const colour = pretty && destination === undefined && process.stderr.isTTY && !process.env['NO_COLOR'];
  const stream = pretty ? { write: (line: string) => sink.write(prettyLine(line, { colour })) } : sink;
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    // Errors are plain objects by then; pino would serialise them once more.
    serializers: { err: (error: unknown) => error },
    formatters: { level: (label: string) => ({ level: label }), log: redactFields },
  };
  return wrap(pino(options, stream));
}

/** Survives a reader that went away; by pino, because `process.stderr` would raise an error that ends the program. */
function standardError(): { write(line: string): unknown } {
  return pino.destination({ dest: 2, sync: true }).on('error', () => undefined);
}

function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redact(fields) as Record<string, unknown>;
}

/** Our own face on pino: children redact as well, which pino's formatters would not see. */
function wrap(inner: pino.Logger): Logger {
  const write = (level: Exclude<LogLevel, 'silent'>): Log => inner[level].bind(inner);
  return {
    level: inner.level as LogLevel,
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    child: (fields) => wrap(inner.child(redactFields(fields))),
  };
}
