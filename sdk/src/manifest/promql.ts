/** Words of PromQL that are no metric wherever they stand. */
const KEYWORDS = new Set(['and', 'or', 'unless', 'atan2', 'bool', 'offset', 'inf', 'nan']);
/** Words that a list of labels in parentheses follows. */
const GROUPINGS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const AGGREGATIONS = new Set(
  'sum min max avg group stddev stdvar count count_values bottomk topk quantile limitk limit_ratio'.split(' '),
);

const TOKEN =
  /(?<space>\s+|#[^\n]*)|(?<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(?<number>0x[0-9a-f]+|\d[\w.]*(?:[eE][+-]?\d+)?|\.\d+)|(?<range>\[[^\]]*\])|(?<variable>\$\w+)|(?<name>[A-Za-z_:][\w:]*)|(?<sign>.)/gsu;

interface Token {
  readonly kind: string;
  readonly text: string;
}

/**
 * The selectors of a PromQL expression that do not have `$labels` among their matchers, as they are written. What is no
 * PromQL at all is for promtool to say.
 */
export function selectorsWithoutLabels(expr: string): string[] {
  const tokens = [...expr.matchAll(TOKEN)].flatMap(({ groups = {} }): Token[] => {
    const [kind, text] = Object.entries(groups).find(([, value]) => value !== undefined) as [string, string];
    return kind === 'space' ? [] : [{ kind, text }];
  });
  const found: string[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const { kind, text } = tokens[at]!;
    const next = tokens[at + 1]?.text;
    if (kind === 'name') {
      const word = text.toLowerCase();
      if (GROUPINGS.has(word)) {
        if (next === '(') at = closing(tokens, at + 1, ')');
        continue;
      }
      const isAggregation = AGGREGATIONS.has(word) && (next === 'by' || next === 'without');
      if (KEYWORDS.has(word) || isAggregation || next === '(') continue;
      if (next !== '{') {
        found.push(text);
        continue;
      }
      at++;
    } else if (text !== '{') continue;
    const end = closing(tokens, at, '}');
    const matchers = tokens.slice(at, end + 1);
    if (!matchers.some((token) => token.text === '$labels')) {
      found.push(`${kind === 'name' ? text : ''}${matchers.map((token) => token.text).join('')}`);
    }
    at = end;
  }
  return found;
}

function closing(tokens: readonly Token[], from: number, sign: string): number {
  const end = tokens.findIndex(({ text }, index) => index > from && text === sign);
  return end < 0 ? tokens.length - 1 : end;
}
