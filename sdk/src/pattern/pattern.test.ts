import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern, PatternError } from './pattern.ts';

/** The same in the engine of JavaScript. */
const native = (source: string, text: string): boolean => new RegExp(`^(?:${source})$`, 'u').test(text);

test.each([
  ['[a-z]+', ['abc', 'aBc', '', 'abc\n', '\nabc']],
  ['a|b', ['a', 'b', 'ab', 'xa', 'bx']],
  ['', ['', 'a']],
  ['.', ['a', '😀', '\n', '\r', '\u2028', '\u2029', '\u0085']],
  ['\\s', [' ', '\t', '\v', '\u00a0', '\ufeff', '\u2003', '\u200b', 'a']],
  ['\\S', [' ', '\u00a0', 'a', '😀', '\u200b', '\u2060']],
  ['[^\\s]', ['\u00a0', 'a', '\u3000']],
  ['[\\S]', ['\u00a0', 'a', '\u3000']],
  ['[\\s\\S]', ['\u00a0', 'a', '\n']],
  ['\\w+\\W', ['é!', 'a!', 'aé']],
  ['\\d', ['1', '\u0661']],
  ['[^]', ['\n', '😀', '']],
  ['[]', ['', 'a']],
  ['[a-z-9]+', ['a-9', 'm-', '8']],
  ['[(?<]a>|b', ['(a>', '<a>', 'b', '>']],
  ['[(?:{2}(?=]+', ['(?:{2}=']],
  ['[\\]\\[]+', ['][']],
  ['[-a]+', ['-a', 'b']],
  ['[a-]+', ['-a', 'b']],
  ['[[:alpha:]', ['[', 'a', ':', 'b']],
  ['[+--]+', ['+', ',', '-', '.']],
  ['[\\b]', ['\b', 'b']],
  ['[\\w\\-.]+', ['a-b.c', 'a+b']],
  ['\\bа\\b|\\ba\\b', ['а', 'a']],
  ['a\\B.*', ['ab', 'a b', 'a']],
  ['\\u{1F600}+', ['😀', '😀😀']],
  ['\\ud83d\\ude00', ['😀']],
  ['[\\ud83d\\ude00-\\u{1F610}]', ['😀', '😅', '😶']],
  ['\\u0061\\x62\\cA\\0\\/[\\-]?', ['ab\u0001\0/', 'ab\u0001\0/-', 'ab']],
  ['(?<name>a)(?:b)(c)', ['abc']],
  ['(a{2,3}){2}', ['aaaa', 'aaaaaaa', 'aaaaaa']],
  ['(?:)*a{0}', ['', 'a']],
  ['a+?b*?c??', ['aab', 'abc', 'c']],
  ['^a$', ['a', 'a\n']],
  ['(?:^a)|(?:b$)', ['a', 'b', 'ab']],
  ['\\p{Lu}\\P{Lu}[\\p{L}\\P{gc=Nd}]', ['ÄbC', 'abc', 'Ab1']],
  ['\\p{Script=Greek}+', ['αβγ', 'abc']],
  ['\\$\\{[^}]+\\}', ['${a}', '{a}']],
])('%s means what it means in JavaScript', (source, texts) => {
  const pattern = compilePattern(source);
  expect(texts.map((text) => pattern.matches(text))).toEqual(texts.map((text) => native(source, text)));
});

test('whatever is written by pieces of the syntax means what it means in JavaScript, or is refused', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '-',
    '.',
    '\\d',
    '\\s',
    '\\S',
    '\\w',
    '\\W',
    '\\b',
    '[a-c]',
    '[^a]',
    '[\\s-]',
    '[',
    ']',
    '^',
    '$',
    '(',
    '(?:',
    '(?<n>',
    ')',
    '|',
    '*',
    '+',
    '?',
    '{2}',
    '{0,2}',
    '{1,}',
    '\\-',
    '\\.',
    'é',
    '😀',
    '\\u{61}',
    '\\n',
  );
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', '-', '1', ' ', '\u00a0', '\n', 'é', '😀', '.'),
    maxLength: 8,
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.array(text, { minLength: 4, maxLength: 8 }), (pieces, texts) => {
      const source = pieces.join('');
      const isPattern = (() => {
        try {
          return new RegExp(source, 'u') instanceof RegExp;
        } catch {
          return false;
        }
      })();
      if (!isPattern) {
        expect(() => compilePattern(source)).toThrow(PatternError);
        return;
      }
      const pattern = compilePattern(source);
      for (const each of texts) expect([each, pattern.matches(each)]).toEqual([each, native(source, each)]);
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  ['(a)\\1', /reference \\1/],
  ['(?<x>a)\\k<x>', /reference \\k<x>/],
  ['(?=a)a', /a lookahead \(\?=…\)/],
  ['a(?!b)', /a negative lookahead/],
  ['(?<=a)b', /a lookbehind/],
  ['(?<!a)b', /a negative lookbehind/],
  ['(?i:a)', /a modifier \(\?i:…\)/],
  ['\\p{Emoji}', /it has \\p\{Emoji\}/],
  ['a{1001}', /more than 1000/],
  ['(a{100}){100}', /repeats too much/],
  ['((a{30}){30}){30}', /repeats too much/],
  ['(?:|){40}b(?=c)', /lookahead/],
  ['x'.repeat(1_001), /longer than 1000 characters/],
  ['(', /no regular expression/],
  ['\\A', /no regular expression/],
])('%s is refused, and the construct is named', (source, message) => {
  expect(() => compilePattern(source)).toThrow(PatternError);
  expect(() => compilePattern(source)).toThrow(message);
});

describe('patterns that never end elsewhere', () => {
  // The engine of JavaScript needs longer than anybody lives for most of these; a test that does not end fails.
  const text = `${'a'.repeat(50_000)}!`;
  test.each([
    '(a+)+',
    '(a|a)*',
    '(a*)*',
    '(a|aa)+',
    '(.*a){20}',
    '(?:a?){200}a{200}',
    '([a-zA-Z]+)*',
    '(\\w+\\s?)+',
    '^(([a-z])+.)+[A-Z]([a-z])+',
  ])('%s is answered', (source) => {
    const pattern = compilePattern(source);
    expect(pattern.matches(text.slice(-pattern.longest))).toBe(false);
  });

  test('what a text may cost is limited, however much a pattern costs', () => {
    for (const source of ['a', '(?:a?){200}a{200}', '(?:(?:a{0,10}){0,30})'])
      expect(compilePattern(source).longest * compilePattern(source).cost).toBeLessThanOrEqual(500_000);
  });
});
