import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { catalogueOf, defineError, StackyardError } from '@stackyard/kernel';
import { expect, test } from 'vitest';
import * as agents from '../agents/errors.ts';
import * as commands from '../commands/errors.ts';
import * as egress from '../egress/errors.ts';
import * as postgres from '../postgres/errors.ts';
import * as secrets from '../secrets/errors.ts';
import * as wiring from '../wiring/errors.ts';
import { catalogue } from './catalogue.ts';
import { known } from './faults.ts';
import { problemStatuses } from './openapi.ts';
import { problemOf, statusOf } from './problem.ts';

/** Errors that never leave by the API: they end the start, go to a plugin, or become the message of something else. */
const inside = new Set([
  'CERTIFICATE_REQUEST_REFUSED',
  'AUTHORITY_ELSEWHERE',
  'AUTHORITY_DAMAGED',
  ...catalogueOf(agents, egress, postgres, secrets, wiring).map(({ code }) => code),
  'PACKAGE_ANSWER',
  'PACKAGE_DAMAGED',
  'PACKAGE_DOWNLOAD',
  'PACKAGE_MAVEN_COORDINATE',
  'PACKAGE_MAVEN_FAILED',
  'PACKAGE_MAVEN_MISSING',
  'PACKAGE_PIP_FAILED',
  'PACKAGE_PIP_MISSING',
  'PACKAGE_UNKNOWN',
  'PACKAGE_UNREACHABLE',
  'DATABASE_UNREACHABLE',
  'DATABASE_NEWER',
  'ENGINE_ATTEMPT_ID',
]);

test('every error of the server has a code of its own, and a status unless it stays inside', async () => {
  const src = join(import.meta.dirname, '..');
  const paths = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('errors.ts'));
  const modules: object[] = await Promise.all(paths.map((path) => import(join(src, path))));
  const all = catalogueOf(...modules).map(({ code }) => code);
  expect(all.filter((code) => statusOf[code] === undefined && !inside.has(code))).toEqual([]);
  expect(all.filter((code) => inside.has(code) && statusOf[code] !== undefined)).toEqual([]);
  expect(Object.keys(statusOf).filter((code) => !all.includes(code))).toEqual([]);
  expect(catalogue.map(({ code }) => code).toSorted()).toEqual(Object.keys(statusOf).toSorted());
});

test('every status is one that the description of the API knows', () => {
  expect(new Set(Object.values(statusOf).map(String))).toEqual(new Set(Object.keys(problemStatuses)));
});

test("an error of a plugin has the status that its route gives it, and none on another's", () => {
  class KeyBentError extends defineError('KEY_BENT', 'The key is bent', (_: object) => 'Straighten it.') {}
  const refusals = [{ error: KeyBentError, status: 422 }];
  expect(problemOf(new KeyBentError({}), 'r-1', refusals)).toMatchObject({ status: 422, title: 'The key is bent' });
  expect(problemOf(new KeyBentError({}), 'r-1')).toMatchObject({ status: 500, code: 'INTERNAL' });
});

test('an error of the catalogue becomes a problem with its title, sentence and reasons', () => {
  const error = new commands.CommandRefusedError({
    errors: [{ code: 'HOST_UNKNOWN', message: 'There is no host x.', pointer: '/services/0' }],
  });
  expect(problemOf(error, 'r-1')).toEqual({
    type: '/api/v1/problems#PLAN_REFUSED',
    title: 'The command is refused',
    status: 422,
    detail: 'There is no host x.',
    code: 'PLAN_REFUSED',
    requestId: 'r-1',
    errors: [{ code: 'HOST_UNKNOWN', message: 'There is no host x.', pointer: '/services/0' }],
  });
});

test.each([
  new Error('a password'),
  'text',
  undefined,
  null,
  { code: 'NOT_FOUND', message: 'not ours' },
  new StackyardError('SECRET_CODE', 'a password'),
])('what nobody foresaw (%s) becomes INTERNAL and says nothing of its cause', (error) => {
  const problem = problemOf(known(error ?? new Error('nothing')), 'r-1');
  expect([problem.status, problem.code]).toEqual([500, 'INTERNAL']);
  expect(JSON.stringify(problem)).not.toMatch(/password|SECRET/);
});

const fails = (fields: object, message = 'x') => Object.assign(new Error(message), fields);
test.each<[string, unknown, string]>([
  ['a database that refuses connections', fails({ code: 'ECONNREFUSED', syscall: 'connect' }), 'UNAVAILABLE'],
  ['a database whose socket is gone', fails({ code: 'ENOENT', syscall: 'connect' }), 'UNAVAILABLE'],
  ['a database that is shutting down', fails({ code: '57P01', severity: 'FATAL' }), 'UNAVAILABLE'],
  ['a database whose disk is full', fails({ code: '53100', severity: 'ERROR' }), 'UNAVAILABLE'],
  [
    'a broken connection',
    new Error('driver', { cause: new Error('Connection terminated unexpectedly') }),
    'UNAVAILABLE',
  ],
  ['a file that is not there', fails({ code: 'ENOENT', syscall: 'open' }), 'INTERNAL'],
  ['a row that breaks a constraint', fails({ code: '23505', severity: 'ERROR' }), 'INTERNAL'],
  ['a path that cannot be decoded', fails({ code: 'FST_ERR_BAD_URL', statusCode: 400 }), 'MALFORMED_REQUEST'],
  ['a body that is too large', fails({ code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }), 'BODY_TOO_LARGE'],
  ['a fault of the framework', fails({ code: 'FST_ERR_REP_ALREADY_SENT', statusCode: 500 }), 'INTERNAL'],
])('%s has its code', (_, error, code) => {
  expect(problemOf(known(error), 'r').code).toBe(code);
});
