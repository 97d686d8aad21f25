import type { Recommendation } from '../api/types.ts';
import { type Colours, padEnd } from './terminal.ts';

/** What the recommender says, service by service: where, how large, why, and what stands in the way. */
export function recommendationText({ services, problems, warnings }: Recommendation, colours: Colours): string {
  const { bold, dim, red, yellow } = colours;
  const blocks = services.map(({ service, version, places, values }) => [
    bold(`${service} ${version}`),
    ...aligned(places.map(({ component, hosts, reason }) => [component, `${hosts.join(', ')}  ${dim(`(${reason})`)}`])),
    ...aligned(
      values.flatMap(({ config, property, unit, from, values: all }) =>
        all.map(({ value, hosts }): [string, string] => [
          `${config}/${property}`,
          `${JSON.stringify(value)}${unit ? ` ${unit}` : ''}  ${dim(`(from ${from.join(' and ')}${all.length > 1 ? ` of ${hosts.join(', ')}` : ''})`)}`,
        ]),
      ),
    ),
  ]);
  const notices = [
    ...problems.map(({ message }) => red(`✗ ${message}`)),
    ...warnings.map(({ message }) => yellow(`! ${message}`)),
  ];
  return [...blocks, notices]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n');
}

function aligned(pairs: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.map(([name, text]) => `  ${padEnd(name, width)}  ${text}`);
}
