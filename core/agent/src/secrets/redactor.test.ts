import { writtenForms } from '@stackyard/sdk/render';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hideIn, redactor } from './redactor.ts';

const secrets = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 40 }).filter((text) => text === text.trim());

test('a secret is hidden as it is and in the forms that programs print', () => {
  fc.assert(
    fc.property(secrets, fc.stringMatching(/^[a-z]{0,5}$/), (secret, before) => {
      const hide = redactor([secret]);
      const base64 = Buffer.from(`${before}${secret}`).toString('base64');
      for (const form of [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
        Buffer.from(secret).toString('base64'),
        Buffer.from(secret).toString('base64url'),
        Buffer.from(secret).toString('hex'),
      ])
        expect(hide(`it is ${form}!`)).not.toContain(form);
      // What is left of it belongs to what stands before.
      expect(Buffer.from(before).toString('base64')).toContain(hide(base64).replace(/\*\*\*$/, ''));
    }),
  );
});

test('each line of a long secret is hidden by itself, and what only looks alike is left', () => {
  const hide = redactor(['-----BEGIN-----\nMIIEvQIBADANBg\n-----END-----', 'hunter2!']);
  expect(hide('first MIIEvQIBADANBg then hunter2! and hunter3!')).toBe('first *** then *** and hunter3!');
});

test('a secret is hidden as it stands in files of every format', () => {
  const secret = `Kanarie &<'"$\\ü`;
  const hide = redactor([secret]);
  for (const form of writtenForms(secret)) expect(hide(`password=${form}\n`)).toBe('password=***\n');
});

test('a secret that is a part of another one hides no less of it', () => {
  expect(redactor(['secret', 'secret-and-more'])('secret-and-more secret')).toBe('*** ***');
});

test('without secrets a text is what it was, and characters of regular expressions are only themselves', () => {
  expect(redactor([])('all')).toBe('all');
  expect(redactor(['.*.*'])('all .*.*')).toBe('all ***');
});

test('every text in plain data is hidden', () => {
  const hide = redactor(['hunter2!']);
  expect(hideIn({ a: ['x hunter2!', 1, null], 'hunter2!': { b: true } }, hide)).toEqual({
    a: ['x ***', 1, null],
    '***': { b: true },
  });
});
