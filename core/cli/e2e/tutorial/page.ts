/** What a reader of a page does, in its order. */
export type Step =
  /** A block that names a file is that file: ```ts src/index.ts */
  | { readonly kind: 'file'; readonly path: string; readonly content: string }
  /** A block of a console: a command and what is printed, where `…` stands for anything. */
  | { readonly kind: 'command'; readonly line: number; readonly command: string; readonly printed: string };

const BLOCK = /^```(\S+)(?: (\S+))?\n(.*?)^```$/gms;

export function stepsOf(page: string): Step[] {
  return [...page.matchAll(BLOCK)].flatMap(([, language, path, content = ''], index, all): Step[] => {
    if (path !== undefined) return [{ kind: 'file', path, content }];
    if (language !== 'console') return [];
    const first = page.slice(0, all[index]?.index).split('\n').length + 1;
    return commandsOf(content, first);
  });
}

function commandsOf(content: string, first: number): Step[] {
  const lines = content.replace(/\n$/, '').split('\n');
  const starts = lines.flatMap((line, index) => (line.startsWith('$ ') ? [index] : []));
  return starts.map((start, index) => {
    const printed = lines.slice(start + 1, starts[index + 1]).join('\n');
    return { kind: 'command', line: first + start, command: (lines[start] ?? '').slice(2), printed };
  });
}

/** Whether something was printed as a page has it: `…` stands for anything, a line of it for any lines; times differ. */
export function isAsPrinted(page: string, printed: string): boolean {
  const lines = plain(page)
    .split('\n')
    .map((line) => (line === '…' ? '(?:.*\n)*?' : `${escaped(line)}\n`));
  const pattern = new RegExp(`^${lines.join('')}$`);
  return pattern.test(`${plain(printed)}\n`) || pattern.test(`${plain(printed)}\n\n`);
}

function escaped(line: string): string {
  return line
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*');
}

/** Without what differs from run to run: lengths of time, colours, blanks at the end. */
function plain(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- colours are control characters
      .replaceAll(/\u001B\[[0-9;]*m/g, '')
      .replaceAll(/\b\d+(?:\.\d+)? ?(?:ms|s|min)\b/g, '0 s')
      .replaceAll(/[ \t]+$/gm, '')
      .trim()
  );
}
