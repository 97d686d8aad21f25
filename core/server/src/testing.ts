/** For the tests of packages above the server. */
export { startTestPostgres, type TestPostgres, type TestPostgresKind, testPostgresKinds } from './postgres/testing.ts';
export { beginEpoch } from './database/epoch.ts';
export { type Database, openDatabase } from './database/openDatabase.ts';
export { WriterConnection } from './engine/writer/connection.ts';
export { outbox } from './engine/testing/outbox.ts';
export { Transitions } from './engine/testing/transitions.ts';
export { startRegistry, type TestRegistry } from './registries/verdaccio.fixture.ts';
