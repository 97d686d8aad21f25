import { CommanderError } from 'commander';
import { CliError, type Problem, ProblemError } from './errors.ts';
import { EXIT } from './exitCodes.ts';
import { type Colours, processTerminal, type Terminal } from './output/terminal.ts';
import { buildProgram, usageOf } from './program.ts';

/** Runs a command line. @returns its exit code */
export async function run(argv: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  try {
    // The agent is small and its options are its own; nothing of this tool is loaded for it.
    if (argv[0] === 'agent') {
      const { AGENT_VERBS, runAgentCommand } = await import('./commands/agent.ts');
      if (!AGENT_VERBS.includes(argv[1] ?? '')) return await runAgentCommand(argv.slice(1));
    }
    let code: number = EXIT.ok;
    const program = await buildProgram(
      terminal,
      argv.find((word) => !word.startsWith('-')),
      (ended) => (code = ended),
    );
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return reported(error, terminal);
  }
}

/** Prints what went wrong: a sentence, and each reason with its place. */
export function reported(error: unknown, terminal: Terminal): number {
  const { red } = terminal.colours;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    // Help that was asked for by leaving something out has been printed already.
    if (error.code === 'commander.help') return EXIT.usage;
    return reported(usageOf(error), terminal);
  }
  if (error instanceof ProblemError) {
    terminal.err(problemText(error.problem, terminal.colours));
    return error.exitCode;
  }
  if (error instanceof CliError) {
    if (error.message !== '')
      terminal.err(`${error.exitCode === EXIT.cancelled ? '' : `${red('✗')} `}${error.message}\n`);
    return error.exitCode;
  }
  // Nothing foresaw it: whoever reports it needs the place.
  terminal.err(
    `${red('✗')} ${error instanceof Error ? (terminal.env['STACKYARD_DEBUG'] ? error.stack : error.message) : String(error)}\n`,
  );
  return EXIT.failed;
}

/** The title and why; several reasons stand below it, each with its place in what was sent. */
function problemText({ title, detail, errors = [], status, requestId }: Problem, { red, bold, dim }: Colours): string {
  const [only, second] = errors;
  const head = `${red('✗')} ${bold(title)}`;
  const tail = status >= 500 ? `  ${dim(`request ${requestId}`)}\n` : '';
  if (!only) return `${head}: ${detail}\n${tail}`;
  if (second)
    return `${head}:\n${errors.map(({ pointer, message }) => `  ${message}${pointer ? dim(`  at ${pointer}`) : ''}\n`).join('')}${tail}`;
  return `${head}: ${only.message}${/[.!?]$/.test(only.message) ? '' : '.'}\n${only.pointer ? `  ${dim(`at ${only.pointer}`)}\n` : ''}${tail}`;
}
