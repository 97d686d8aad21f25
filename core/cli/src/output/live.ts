import { type Terminal, widthOf } from './terminal.ts';

const FRAME_MS = 80;
export const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** A block of lines at the end of the output that is drawn again and again, below what stays. */
export interface Live {
  /** Puts a line above the block for good. */
  say(line: string): void;
  /** Draws a last time and leaves the block standing, or takes it away. */
  end(options?: { readonly erase?: boolean }): void;
}

/** Draws `lines(frame)` until the end. Lines that are too long for the terminal are cut, as are lines too many. */
export function live(terminal: Terminal, lines: (spinner: string) => readonly string[]): Live {
  let drawn = 0;
  let frame = 0;
  const erase = (): string => (drawn > 0 ? `\u001B[${drawn}A\u001B[J` : '');
  const draw = (above = ''): void => {
    const block = lines(SPINNER[frame++ % SPINNER.length] as string)
      .slice(0, Math.max(3, terminal.rows - 2))
      .map((line) => fit(line, terminal.columns - 1));
    terminal.err(`${erase()}${above}${block.map((line) => `${line}\n`).join('')}`);
    drawn = block.length;
  };
  terminal.err('\u001B[?25l');
  const timer = setInterval(draw, FRAME_MS);
  const showCursor = (): void => terminal.err('\u001B[?25h');
  process.once('exit', showCursor);
  draw();
  return {
    say: (line) => draw(`${line}\n`),
    end(options) {
      clearInterval(timer);
      if (options?.erase) terminal.err(erase());
      else draw();
      process.off('exit', showCursor);
      showCursor();
    },
  };
}

const ESCAPE = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;]*m`, 'y');

/** Cuts a line to a width and keeps its colours whole. */
export function fit(line: string, width: number): string {
  if (widthOf(line) <= width) return line;
  let shown = 0;
  let out = '';
  for (let at = 0; at < line.length && shown < width - 1;) {
    ESCAPE.lastIndex = at;
    const code = ESCAPE.exec(line)?.[0];
    const piece = code ?? String.fromCodePoint(line.codePointAt(at) as number);
    out += piece;
    at += piece.length;
    if (!code) shown++;
  }
  return `${out}\u001B[0m…`;
}
