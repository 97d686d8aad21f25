/**
 * A regular expression of JavaScript with the flag `u`, in the syntax of RE2: the same texts match as a whole. Characters
 * are written by their numbers, so that none of them means anything else there.
 */
export interface Translated {
  readonly pattern: string;
  /** About how many steps it takes for each character of a text. */
  readonly cost: number;
}

/** What a linear-time engine has no way to do, or would do otherwise. */
export class UnsupportedPatternError extends Error {}

/** Repetitions that RE2 takes. */
const MOST_REPEATED = 1_000;

/** Of JavaScript; RE2 knows those of ASCII only. */
const SPACES =
  '\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}';
const NO_SPACES =
  '\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}';
const ALL = '\\x{0}-\\x{10ffff}';
const LINE_ENDS = '\\x{a}\\x{d}\\x{2028}\\x{2029}';

/** Classes as they stand between brackets. */
const CLASSES: Readonly<Record<string, string>> = { d: '\\d', D: '\\D', w: '\\w', W: '\\W', s: SPACES, S: NO_SPACES };
const CONTROLS: Readonly<Record<string, number>> = { f: 0xc, n: 0xa, r: 0xd, t: 0x9, v: 0xb, '0': 0 };

const ESCAPE =
  /\\u\{[\da-f]+\}|\\ud[89ab][\da-f]{2}\\ud[c-f][\da-f]{2}|\\u[\da-f]{4}|\\x[\da-f]{2}|\\c[a-z]|\\p\{[^}]*\}|\\k<[^>]*>|\\[1-9]\d*|\\./isu
    .source;
/** A class as a whole; a beginning of a group; a repetition; or one character. */
const PIECE = new RegExp(
  String.raw`\[(?:\\.|[^\]\\])*\]|${ESCAPE}|\(\?<?[=!]|\(\?<[^>]*>|\(\?[a-z-]*:|\{\d+(?:,\d*)?\}|.`,
  'gisu',
);
const MEMBER = new RegExp(`${ESCAPE}|.`, 'gisu');

/**
 * @param source of a RegExp that JavaScript takes with the flag `u`
 * @throws UnsupportedPatternError with the rest of a sentence that begins with what the pattern is of
 */
export function translatePattern(source: string): Translated {
  const pieces = source.match(PIECE) ?? [];
  const written: string[] = [];
  /** Costs of the groups that are open, and of what a quantifier would repeat. */
  const open: number[] = [0];
  let last = 0;
  const add = (text: string, cost: number): void => {
    written.push(text);
    open[open.length - 1]! += cost;
    last = cost;
  };
  for (const piece of pieces) {
    if (piece.startsWith('[')) {
      add(classText(piece.slice(1, -1)), 1);
    } else if (piece.startsWith('(')) {
      refuseGroup(piece);
      written.push('(?:');
      open.push(0);
    } else if (piece === ')') {
      const cost = open.pop()! + 1;
      add(')', cost);
    } else if (piece.startsWith('{')) {
      const times = timesOf(piece);
      written.push(piece);
      open[open.length - 1]! += last * (times - 1);
      last *= times;
    } else if ('*+?|^$'.includes(piece)) add(piece, 1);
    else if (piece === '.') add(`[^${LINE_ENDS}]`, 1);
    else if (piece === '\\b' || piece === '\\B') add(piece, 1);
    else {
      const kind = classOf(piece);
      add(kind === undefined ? character(piece) : `[${kind}]`, 1);
    }
  }
  return { pattern: written.join(''), cost: open[0]! };
}

const GROUPS: Readonly<Record<string, string>> = {
  '(?=': 'a lookahead (?=…)',
  '(?!': 'a negative lookahead (?!…)',
  '(?<=': 'a lookbehind (?<=…)',
  '(?<!': 'a negative lookbehind (?<!…)',
};

function refuseGroup(piece: string): void {
  const name = GROUPS[piece] ?? (/^\(\?[a-z-]+:$/.test(piece) ? `a modifier ${piece.slice(0, -1)}:…)` : undefined);
  if (name !== undefined) throw new UnsupportedPatternError(`it has ${name}`);
}

function timesOf(piece: string): number {
  const [least = 0, most = least] = (piece.match(/\d+/g) ?? []).map(Number);
  const times = Math.max(least, most);
  if (times > MOST_REPEATED) throw new UnsupportedPatternError(`it repeats something ${piece} times, more than 1000`);
  return Math.max(1, times);
}

/** What stands between brackets, by the grammar of JavaScript: `-` is a range only between two characters. */
function classText(inner: string): string {
  const negated = inner.startsWith('^');
  const members = inner.slice(negated ? 1 : 0).match(MEMBER) ?? [];
  const written: string[] = [];
  for (let at = 0; at < members.length; at++) {
    const [from, dash, to] = members.slice(at, at + 3) as [string, string?, string?];
    const kind = from === '\\b' ? '\\x{8}' : classOf(from);
    if (kind === undefined && dash === '-' && to !== undefined) {
      written.push(`${character(from)}-${to === '\\b' ? '\\x{8}' : character(to)}`);
      at += 2;
    } else written.push(kind ?? character(from));
  }
  if (written.length === 0) return negated ? `[${ALL}]` : `[^${ALL}]`;
  return `[${negated ? '^' : ''}${written.join('')}]`;
}

/** A class that a piece stands for, as it stands between brackets. */
function classOf(piece: string): string | undefined {
  if (/^\\[pP]/.test(piece)) return unicodeClass(piece);
  return piece.startsWith('\\') ? CLASSES[piece.slice(1)] : undefined;
}

/** Categories of one or two letters and scripts are called alike in both. */
function unicodeClass(piece: string): string {
  const [, letter = '', name = ''] = /^\\([pP])\{(.*)\}$/s.exec(piece) ?? [];
  const [, category, script] =
    /^(?:(?:gc=|General_Category=)?([A-Z][a-z]?)|(?:sc|Script)=([A-Za-z_]{5,}))$/.exec(name) ?? [];
  const known = category ?? script;
  if (known === undefined)
    throw new UnsupportedPatternError(
      `it has ${piece}, and of Unicode's properties there are categories (\\p{Lu}) and scripts (\\p{Script=Greek})`,
    );
  return `\\${letter}{${known}}`;
}

function character(piece: string): string {
  return `\\x{${codePoint(piece).toString(16)}}`;
}

function codePoint(piece: string): number {
  if (!piece.startsWith('\\')) return piece.codePointAt(0)!;
  const [, kind = '', rest = ''] = /^\\(.)(.*)$/su.exec(piece) ?? [];
  const pair = /^\\u([\da-f]{4})\\u([\da-f]{4})$/i.exec(piece);
  if (pair) return String.fromCharCode(...pair.slice(1).map((hex) => Number.parseInt(hex, 16))).codePointAt(0)!;
  if ((kind === 'u' || kind === 'x') && rest !== '') return Number.parseInt(rest.replace(/[{}]/g, ''), 16);
  if (kind === 'c') return rest.charCodeAt(0) % 32;
  if (kind === 'k' || /[1-9]/.test(kind))
    throw new UnsupportedPatternError(`it has a reference ${piece} to what a group matched`);
  return CONTROLS[kind] ?? kind.codePointAt(0)!;
}
