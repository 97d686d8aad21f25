export * from './entities.ts';
export { beginEpoch, type Epoch } from './epoch.ts';
export { DatabaseUnreachableError, EpochLostError, NewerDataError } from './errors.ts';
export { type Database, openDatabase, type OpenOptions } from './openDatabase.ts';
