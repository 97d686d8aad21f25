import { parseArgs } from 'node:util';
import { ScaffoldError } from './errors.ts';
import { nextSteps } from './nextSteps.ts';
import { scaffold } from './scaffold.ts';

const USAGE = `Usage: npm create stackyard-stack NAME [-- --dir FOLDER] [--title TITLE]

NAME is the product in lower case, such as valkey, or a package of your own scope, such as @acme/valkey.
`;

process.exitCode = await main(process.argv.slice(2));

/** 0 when written, 1 when refused, 2 when the arguments cannot be read. */
async function main(args: readonly string[]): Promise<number> {
  let given: ReturnType<typeof parse>;
  try {
    given = parse(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = given;
  const [name, ...others] = positionals;
  if (values.help) return say(0, USAGE);
  if (name === undefined || others.length > 0) return say(2, USAGE);
  try {
    const written = await scaffold({ name, folder: values.dir, title: values.title });
    return say(0, nextSteps(written, process.cwd()));
  } catch (error) {
    if (!(error instanceof ScaffoldError)) throw error;
    return say(1, `${error.message}\n`);
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { dir: { type: 'string' }, title: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
}

function say(code: number, text: string): number {
  (code === 0 ? process.stdout : process.stderr).write(text);
  return code;
}
