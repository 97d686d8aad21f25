import { stripVTControlCharacters } from 'node:util';

export type Paint = (text: string) => string;

/** Colours that say something: green for done, yellow for look here, red for failed. */
export interface Colours {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

/** Where a command writes: data to `out`, everything for people to `err`. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Tables and not bare data may be printed on `out`. */
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** Somebody can be asked. */
  readonly interactive: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly colours: Colours;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export function colours(enabled: boolean): Colours {
  const paint = ([on, off]: readonly [number, number]): Paint =>
    enabled ? (text) => (text === '' ? text : `\u001B[${on}m${text}\u001B[${off}m`) : (text) => text;
  return {
    bold: paint(codes.bold),
    dim: paint(codes.dim),
    red: paint(codes.red),
    green: paint(codes.green),
    yellow: paint(codes.yellow),
    cyan: paint(codes.cyan),
  };
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  // A reader that went away ("| head") is no reason for a stack trace.
  stdout.on('error', () => undefined);
  stderr.on('error', () => undefined);
  const colourful =
    !env['NO_COLOR'] && (env['FORCE_COLOR'] ? env['FORCE_COLOR'] !== '0' : stderr.isTTY && stdout.isTTY);
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    outIsTerminal: stdout.isTTY ?? false,
    errIsTerminal: (stderr.isTTY ?? false) && env['TERM'] !== 'dumb',
    interactive: (stdin.isTTY ?? false) && (stderr.isTTY ?? false),
    // Windows are resized, and some terminals do not know their size.
    get columns() {
      return stderr.columns || stdout.columns || 100;
    },
    get rows() {
      return stderr.rows || stdout.rows || 40;
    },
    colours: colours(colourful),
    env,
  };
}

/** How many columns a text takes, its colours not counted. */
export function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Cuts a text without colours to a width, with an ellipsis. */
export function clip(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}
