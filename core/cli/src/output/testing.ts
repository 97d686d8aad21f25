import { colours, type Terminal } from './terminal.ts';

/** A terminal that keeps what is written, for tests. */
export function testTerminal(
  given: Partial<Terminal> = {},
): Terminal & { readonly said: { out: string; err: string } } {
  const said = { out: '', err: '' };
  return {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    outIsTerminal: false,
    errIsTerminal: false,
    interactive: false,
    columns: 100,
    rows: 40,
    colours: colours(false),
    env: {},
    ...given,
    said,
  };
}
