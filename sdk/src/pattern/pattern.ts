import { RE2JS } from 're2js';
import { translatePattern, UnsupportedPatternError } from './translate.ts';

const MAX_LENGTH = 1_000;
/** Steps for each character of a text. */
const MAX_COST = 1_000;
/** Steps for a whole text: some hundredths of a second. */
const MAX_STEPS = 500_000;

/** A pattern of a property, which strangers write: whatever it is, a text is looked at in linear time. */
export interface Pattern {
  /** Steps for each character of a text, at most. */
  readonly cost: number;
  /** Whether the whole text matches. */
  matches(text: string): boolean;
  /** The longest text that is looked at. */
  readonly longest: number;
}

/** Why a pattern cannot be used, and what helps. */
export class PatternError extends Error {
  readonly remedy: string;
  constructor(reason: string, remedy: string) {
    super(reason);
    this.remedy = remedy;
  }
}

/** What was compiled last: plans check the same few patterns for each host. */
const compiled = new Map<string, Pattern>();
const MAX_COMPILED = 64;

/** @throws PatternError */
export function compilePattern(source: string): Pattern {
  const known = compiled.get(source);
  if (known) return known;
  const pattern = compile(source);
  const oldest = compiled.keys().next();
  if (compiled.size >= MAX_COMPILED && !oldest.done) compiled.delete(oldest.value);
  compiled.set(source, pattern);
  return pattern;
}

/** Steps of a pattern for each character, by a look at its text alone; no more of one that costs too much to be used. */
export function patternCost(source: string): number {
  if (source.length > MAX_LENGTH) return 1;
  try {
    return Math.min(MAX_COST, Math.max(1, translatePattern(source).cost));
  } catch {
    // It does not get as far as being compiled.
    return 1;
  }
}

function compile(source: string): Pattern {
  if (source.length > MAX_LENGTH)
    throw new PatternError(`it is longer than ${MAX_LENGTH} characters`, 'write a shorter one, or check less');
  try {
    // Parsed and never run: what JavaScript does not take is no pattern, because its syntax is that of authors.
    RegExp(source, 'u');
  } catch (error) {
    throw new PatternError(`it is no regular expression: ${(error as Error).message}`, 'correct it');
  }
  const { pattern, cost } = translated(source);
  if (cost > MAX_COST)
    throw new PatternError(
      `it repeats too much: it has ${cost} steps, more than ${MAX_COST}`,
      'use +, * or smaller numbers in its braces',
    );
  const program = compiledBy(pattern);
  return { cost, longest: Math.floor(MAX_STEPS / Math.max(1, cost)), matches: (text) => program.testExact(text) };
}

function translated(source: string): ReturnType<typeof translatePattern> {
  try {
    return translatePattern(source);
  } catch (error) {
    if (!(error instanceof UnsupportedPatternError)) throw error;
    const remedy = 'write it without: patterns are matched in linear time, which takes that away';
    throw new PatternError(error.message, remedy);
  }
}

function compiledBy(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new PatternError(
      `it cannot be matched in linear time: ${(error as Error).message}`,
      'write it in another way',
    );
  }
}
