import type { ResolvedProbe } from '@stackyard/sdk/render';
import type { Answer } from './probe.ts';

export type MetricProbe = Extract<ResolvedProbe, { kind: 'metric' }>;

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SHOWN = 3;

/** Whether every sample that the probe selects is within its bounds. `text` is in Prometheus' format. */
export function judgeMetric(
  { metric, min = -Infinity, max = Infinity, label }: MetricProbe,
  text: string,
  url: string,
): Answer {
  const selector = parseSelector(metric);
  if (!selector) return { ok: false, message: `${metric} is no metric, such as name or name{label="value"}.` };
  const samples = samplesOf(text, selector.name).filter(({ labels }) =>
    Object.entries(selector.labels).every(([name, value]) => (labels[name] ?? '') === value),
  );
  if (samples.length === 0) return { ok: false, message: `${url} has no sample of ${metric}.` };
  if (label !== undefined) return judgeLabel(label, samples, `${metric} of ${url}`);
  // NaN is within no bounds.
  const outside = samples.filter(({ value }) => !(value >= min && value <= max));
  const [first] = samples;
  const value = samples.length === 1 && Number.isFinite(first?.value) ? first?.value : undefined;
  const found = value === undefined ? {} : { value };
  if (outside.length === 0) {
    const what = samples.length === 1 ? `is ${first?.value}` : `has ${samples.length} samples, all within bounds`;
    return { ok: true, ...found, message: `${metric} of ${url} ${what}.` };
  }
  const bounds = [Number.isFinite(min) ? `at least ${min}` : '', Number.isFinite(max) ? `at most ${max}` : ''].filter(
    (each) => each !== '',
  );
  const wrong = outside.slice(0, SHOWN).map((sample) => `${sample.value}${describe(sample)}`);
  const more = outside.length > SHOWN ? ` and ${outside.length - SHOWN} more` : '';
  return {
    ok: false,
    ...found,
    message: `${metric} of ${url} is ${wrong.join(', ')}${more}; it must be ${bounds.join(' and ')}.`,
  };
}

/** What a component is, as Prometheus tells it: one sample for each thing that it can be, and 1 for the one that it is. */
function judgeLabel(label: string, samples: readonly Sample[], what: string): Answer {
  const value = samples.find((sample) => sample.value > 0)?.labels[label];
  if (value === undefined) return { ok: false, message: `${what} has no sample above 0 with a label ${label}.` };
  return { ok: true, value, message: `${label} of ${what} is ${value}.` };
}

function describe({ labels }: Sample): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length === 0 ? '' : ` (${pairs.join(', ')})`;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
/** A label with its value; in the value `\\`, `\"` and `\n` stand for what they escape. */
const LABEL = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|$|(?=\}))/;

/** `name` or `name{a="b"}`. */
function parseSelector(text: string): { name: string; labels: Record<string, string> } | undefined {
  const series = parseSeries(text.trim());
  return series?.rest === '' ? series : undefined;
}

function parseSeries(text: string): { name: string; labels: Record<string, string>; rest: string } | undefined {
  const name = NAME.exec(text)?.[0];
  if (name === undefined) return undefined;
  let rest = text.slice(name.length);
  const labels: Record<string, string> = {};
  if (!rest.startsWith('{')) return { name, labels, rest: rest.trim() };
  rest = rest.slice(1);
  for (let match = LABEL.exec(rest); match; match = LABEL.exec(rest)) {
    labels[match[1]!] = unescape(match[2]!);
    rest = rest.slice(match[0].length);
  }
  rest = rest.trimStart();
  return rest.startsWith('}') ? { name, labels, rest: rest.slice(1).trim() } : undefined;
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}

function samplesOf(text: string, name: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith(name)) return [];
    const series = parseSeries(line);
    if (series?.name !== name) return [];
    // A time stamp may follow.
    return [{ labels: series.labels, value: toNumber(series.rest.split(/\s+/)[0] ?? '') }];
  });
}

function toNumber(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : text === '' ? Number.NaN : Number(text);
}
