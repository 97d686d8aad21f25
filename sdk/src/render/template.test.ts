import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TemplateError } from './errors.ts';
import { FORMAT_WRITERS } from './formats.ts';
import { helpersFor } from './helpers.ts';
import { compileTemplate } from './template.ts';

const writer = FORMAT_WRITERS.properties;
const helpers = helpersFor({
  writer,
  config: { name: 'a', format: 'properties', file: true, properties: [], effect: 'none' },
  entries: () => [],
});
const context = Object.freeze({
  config: Object.freeze({ text: 'x', list: Object.freeze(['a']), map: Object.freeze({ k: 1 }) }),
});
const render = (source: string) => compileTemplate('t.hbs', source).render(context, helpers);

const PATHS = [
  'constructor',
  '__proto__',
  'prototype',
  'toString',
  'valueOf',
  '__defineGetter__',
  '__lookupGetter__',
  'hasOwnProperty',
];
const FRAMES = [
  (name: string) => `{{config.${name}}}`,
  (name: string) => `{{config.text.${name}}}`,
  (name: string) => `{{config.list.${name}.${name}}}`,
  (name: string) => `{{${name}}}`,
  (name: string) => `{{this.${name}}}`,
  (name: string) => `{{config.[${name}]}}`,
  (name: string) => `{{#with config}}{{${name}}}{{/with}}`,
  (name: string) => `{{#with config.text as |s|}}{{s.${name}}}{{/with}}`,
  (name: string) => `{{#each config.map}}{{../config.${name}}}{{/each}}`,
  (name: string) => `{{concat config.${name}}}`,
  (name: string) => `{{property "k" (concat config.list.${name})}}`,
  (name: string) => `{{#if config.text.${name}}}y{{/if}}`,
  (name: string) => `{{join config.list config.${name}}}`,
  (name: string) => `{{@root.${name}}}`,
  (name: string) => `{{> (concat "${name}")}}`,
];

test.each(FRAMES.flatMap((frame) => PATHS.map((name) => frame(name))))('%s reaches nothing', (source) => {
  expect(() => render(source)).toThrow(TemplateError);
});

test.each([
  ['10,000 blocks in blocks', `${'{{#if config.text}}'.repeat(10_000)}x${'{{/if}}'.repeat(10_000)}`],
  ['10,000 calls in calls', `{{concat ${'(concat '.repeat(10_000)}"x"${')'.repeat(10_000)}}}`],
  ['a path of 10,000 steps', `{{config${'.a'.repeat(10_000)}}}`],
  ['10,000 steps up', `{{${'../'.repeat(10_000)}config.text}}`],
])('%s end in a sentence or in text', (_, source) => {
  try {
    expect(render(source).length).toBeLessThan(100);
  } catch (error) {
    expect(error).toBeInstanceOf(TemplateError);
  }
});

test('whatever is written in a template, it fails with its name or writes plain text', () => {
  const signs = '{{ }} {{# {{/ {{{ }}} {{> {{* {{~ ~}} {{! {{& {{^ {{else}} ( ) | . / [ ] = 1 "a"';
  const words = 'if each with config config.text config.map list concat property eq lookup log @root @key ../ this';
  const traps = 'constructor __proto__ *get *write helperMissing blockHelperMissing';
  const pieces = fc.constantFrom(...`${signs} ${words} ${traps}`.split(' '), ' ', '\n', 'as |x|');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 14 }), (parts) => {
      try {
        expect(render(parts.join(''))).not.toMatch(/\[native code\]|=>|function/);
      } catch (error) {
        expect(error).toBeInstanceOf(TemplateError);
      }
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
    { numRuns: 5000 },
  );
});
