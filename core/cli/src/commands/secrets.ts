import { readFile } from 'node:fs/promises';
import { CliError, UsageError } from '../errors.ts';
import type { Terminal } from '../output/terminal.ts';

/** Asks for a secret on the terminal without showing it. @throws UsageError where nobody can be asked */
export async function askSecret(terminal: Terminal, what: string): Promise<string> {
  if (!terminal.interactive) throw new UsageError(`${what} cannot be asked for here: name a file that holds it.`);
  const { createInterface } = await import('node:readline/promises');
  const { Writable } = await import('node:stream');
  terminal.err(`${what} (not shown): `);
  const reader = createInterface({
    input: process.stdin,
    output: new Writable({ write: (_chunk, _encoding, done) => done() }),
    terminal: true,
  });
  try {
    return await reader.question('');
  } finally {
    reader.close();
    terminal.err('\n');
  }
}

/** The first line of a file. @throws CliError, UsageError when there is none */
export async function secretIn(file: string): Promise<string> {
  const [line = ''] = (await readText(file)).split(/\r?\n/, 1);
  if (line === '') throw new UsageError(`${file} is empty.`);
  return line;
}

/** All of a file, or of standard input for `-`, without the line break at its end. @throws CliError, UsageError */
export async function secretTextIn(file: string): Promise<string> {
  const { text } = await import('node:stream/consumers');
  const content = (file === '-' ? await text(process.stdin) : await readText(file)).replace(/\r?\n$/, '');
  if (content === '') throw new UsageError(`${file === '-' ? 'Standard input' : file} is empty.`);
  return content;
}

/** @throws CliError */
export async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`${file} cannot be read: ${error.code}.`);
  });
}
