/** A place in a file. Lines and columns count from 1. */
export interface CallSite {
  /** An absolute path while a definition is loaded; never part of a manifest. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What was defined, and where. */
export interface SiteLog {
  readonly sites: WeakMap<object, CallSite>;
  /** Configs and components in the order of their definition, whether a stack uses them or not. */
  readonly defined: { readonly kind: 'config' | 'component'; readonly name: string; readonly value: object }[];
}

/**
 * Kept on globalThis: a stack may bring another copy of this package than the one that loads it. Only who loads a
 * definition to check it switches the log on, so that nothing else ever pays for it or depends on it.
 */
const LOG: unique symbol = Symbol.for('stackyard.callSites');
const place = globalThis as { [LOG]?: SiteLog };

/** From now on every definition is remembered with the place it was called from. */
export function recordCallSites(): SiteLog {
  return (place[LOG] ??= { sites: new WeakMap(), defined: [] });
}

/** Remembers that `value` was made by the call of `made`; `like` gives a changed copy the place of its original. */
export function called<T extends object>(value: T, made: Function, like?: object): T {
  const log = place[LOG];
  if (!log) return value;
  const site = (like && log.sites.get(like)) ?? callSiteOf(made);
  if (site) log.sites.set(value, site);
  return value;
}

/** As `called`, for what a stack has to use for it to count. */
export function defined<T extends object>(kind: 'config' | 'component', name: string, value: T, made: Function): T {
  place[LOG]?.defined.push({ kind, name, value });
  return called(value, made);
}

function callSiteOf(made: Function): CallSite | undefined {
  const holder: { stack?: unknown } = {};
  // oxlint-disable-next-line unbound-method -- put back as it was
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_, frames) => frames;
    Error.captureStackTrace(holder, made);
    const [frame] = holder.stack as NodeJS.CallSite[];
    const file = frame?.getFileName();
    const line = frame?.getLineNumber();
    if (!frame || !file || !line) return undefined;
    return { file, line, column: frame.getColumnNumber() ?? 1 };
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}
