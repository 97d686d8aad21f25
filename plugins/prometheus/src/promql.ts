import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { ExpressionRefusedError } from './errors.ts';

/** Longer ones are no alert, but a way to keep Prometheus busy. */
const MAX_LENGTH = 4_000;
const PLACEHOLDER = '$labels';
/** What stands for `$labels` while the grammar looks: a matcher like any other. */
const MARK = '__stackyard_labels__';
const MARKED = `${MARK}="1"`;

/** Takes metrics without a selector that could be bound. */
const unbound = new Set(['Info']);

/**
 * An expression of a stack with its `$labels` bound to the matchers of one service. What a selector matches is thereby
 * never more than that: matchers of a selector hold all together.
 *
 * @param matchers Each as it stands between the braces; see `matcher`.
 * @throws ExpressionRefusedError when it is no PromQL, or a selector is without `$labels`
 */
export function bindLabels(expr: string, matchers: readonly string[]): string {
  const refuse = (why: string): never => {
    throw new ExpressionRefusedError({ expr, why });
  };
  if (expr.length > MAX_LENGTH) refuse(`it is longer than ${MAX_LENGTH} characters.`);
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/.test(expr)) refuse('it has control characters.');
  if (expr.includes(MARK)) refuse(`${MARK} may not stand in it.`);
  const marked = expr.replaceAll(PLACEHOLDER, MARKED);
  const places: number[] = [];
  let selectors = 0;
  parser.parse(marked).iterate({
    enter(found) {
      const { name, type, from, to, node } = found;
      if (type.isError) refuse(`it is no PromQL near ${JSON.stringify(near(marked, from))}.`);
      if (unbound.has(name)) refuse(`${marked.slice(from, to)} reads metrics that no selector names.`);
      if (name !== 'VectorSelector') return;
      selectors += 1;
      const own = marksOf(node, marked);
      if (own.length !== 1)
        refuse(
          `write ${PLACEHOLDER} once in every selector; ${JSON.stringify(bare(marked.slice(from, to)))} has it ${own.length} times.`,
        );
      places.push(...own);
    },
  });
  if (selectors === 0) refuse('it reads no metric.');
  if (places.length !== marked.split(MARK).length - 1)
    refuse(`${PLACEHOLDER} stands for matchers of labels and may be nowhere but between the braces of a selector.`);
  return marked.replaceAll(MARKED, () => matchers.join(','));
}

/** `label="value"` with what a string of PromQL asks for. */
export function matcher(label: string, value: string): string {
  return `${label}=${JSON.stringify(value)}`;
}

/** Where `$labels` stands among the matchers of a selector. */
function marksOf(selector: SyntaxNode, text: string): number[] {
  return (selector.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [])
    .filter(({ from, to }) => text.slice(from, to) === MARKED)
    .map(({ from }) => from);
}

const near = (text: string, at: number) => bare(text.slice(Math.max(0, at - 10), at + 20));
const bare = (text: string) => text.replaceAll(MARKED, PLACEHOLDER);
