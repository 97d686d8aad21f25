import { token } from '@stackyard/kernel';

/** A document that was kept. */
export interface Kept<T> {
  readonly key: string;
  readonly value: T;
}

/**
 * Small JSON documents that plugins keep in the server's database, by collection (`<plugin>.<what>`) and key. They are
 * backed up, and read by whoever administers it: nothing secret goes in.
 */
export interface Records {
  get<T extends object>(collection: string, key: string): Promise<T | undefined>;
  put(collection: string, key: string, value: object): Promise<void>;
  /** @returns whether there was one */
  delete(collection: string, key: string): Promise<boolean>;
  /** In descending order of keys, those below `before` if given. */
  list<T extends object>(
    collection: string,
    options: { readonly limit: number; readonly before?: string | undefined },
  ): Promise<readonly Kept<T>[]>;
}
export const Records = token<Records>('contract.Records');
