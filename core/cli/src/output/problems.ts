import type { StackProblem } from '@stackyard/sdk/build';
import type { Colours } from './terminal.ts';

/** Each problem with its place, which editors and terminals make a link of, and below it what to do. */
export function problemsText(problems: readonly StackProblem[], colours: Colours): string {
  return problems
    .map(({ where, reason, remedy, severity, at }) => {
      const isWarning = severity === 'warning';
      const sign = isWarning ? colours.yellow('!') : colours.red('✗');
      const place = at ? [at.file, at.line, at.column].filter((part) => part !== undefined).join(':') : '';
      const lead = [place && colours.bold(place), where === at?.file ? '' : where].filter(Boolean).join(' ');
      return `${sign} ${lead}: ${reason}.\n  ${colours.dim(`${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`)}\n`;
    })
    .join('')
    .replaceAll('?.\n', '?\n');
}

/** "2 errors, 1 warning." */
export function countText(problems: readonly StackProblem[]): string {
  const warnings = problems.filter(({ severity }) => severity === 'warning').length;
  const errors = problems.length - warnings;
  if (problems.length === 0) return 'Nothing is wrong.';
  const parts = [counted(errors, 'error'), counted(warnings, 'warning')].filter(Boolean);
  return `${parts.join(', ')}.`;
}

function counted(count: number, word: string): string {
  return count === 0 ? '' : `${count} ${word}${count === 1 ? '' : 's'}`;
}
