/** The ids and figures a sentence speaks about. Values only: they travel in API answers and logs. */
export type ErrorFields = Readonly<Record<string, unknown>>;

/**
 * Base of every error a caller can distinguish: a stable code, one sentence that says what happened, where, and what to
 * do, and the ids as fields. The HTTP status of a code stands in the server's table.
 */
export class StackyardError extends Error {
  readonly code: string;
  readonly fields: ErrorFields;

  constructor(code: string, sentence: string, fields: ErrorFields = {}, options?: ErrorOptions) {
    super(sentence, options);
    this.name = new.target.name;
    this.code = code;
    this.fields = fields;
  }
}

/** A class made by `defineError`: it knows its code and its title before any instance exists. */
export interface ErrorClass<F extends ErrorFields> {
  new (fields: F, options?: ErrorOptions): StackyardError & { readonly fields: F };
  readonly code: string;
  readonly title: string;
}

/**
 * The base of one error class: its code, its title for the catalogue, its sentence from its fields.
 *
 * @example
 * export class HostNotFoundError extends defineError('HOST_NOT_FOUND', 'No such host',
 *   ({ host }: { host: string }) => `No host is called ${host}. List them with "stackyard host list".`) {}
 * throw new HostNotFoundError({ host: 'zk9' });
 */
export function defineError<F extends ErrorFields>(
  code: string,
  title: string,
  sentence: (fields: F) => string,
): ErrorClass<F> {
  return class extends StackyardError {
    static readonly code: string = code;
    static readonly title: string = title;
    declare readonly fields: F;

    constructor(fields: F, options?: ErrorOptions) {
      super(code, sentence(fields), fields, options);
    }
  };
}

/** A row of the catalogue of codes, as documentation and API descriptions print it. */
export interface CatalogueRow {
  readonly code: string;
  readonly title: string;
}

/**
 * The codes of whole `errors.ts` modules, sorted: `catalogueOf(await import('./errors.ts'))`.
 *
 * @throws Error when two classes share a code, since a caller could not tell them apart.
 */
export function catalogueOf(...modules: readonly object[]): readonly CatalogueRow[] {
  const rows = new Map<string, CatalogueRow>();
  const classes = new Set(modules.flatMap((module) => Object.values(module)).filter(isErrorClass));
  for (const { code, title } of classes) {
    if (rows.has(code)) throw new Error(`Two error classes have the code ${code}. Give one of them another.`);
    rows.set(code, { code, title });
  }
  return [...rows.values()].sort((a, b) => a.code.localeCompare(b.code));
}

function isErrorClass(value: unknown): value is ErrorClass<ErrorFields> {
  return typeof value === 'function' && value.prototype instanceof StackyardError && Object.hasOwn(value, 'prototype');
}
