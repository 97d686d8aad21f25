/** For the tests of packages above the server. */
export { startTestPostgres, type TestPostgres, type TestPostgresKind, testPostgresKinds } from './postgres/testing.ts';
export { Transitions } from './engine/testing/transitions.ts';
