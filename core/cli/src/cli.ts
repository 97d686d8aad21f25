import { CommanderError } from 'commander';
import { CliError, ProblemError } from './errors.ts';
import { EXIT } from './exitCodes.ts';
import { processTerminal, type Terminal } from './output/terminal.ts';
import { buildProgram, usageOf } from './program.ts';

/** Runs a command line. @returns its exit code */
export async function run(argv: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  try {
    // The agent is small and its options are its own; nothing of this tool is loaded for it.
    if (argv[0] === 'agent') return await (await import('./commands/agent.ts')).runAgentCommand(argv.slice(1));
    let code: number = EXIT.ok;
    const program = await buildProgram(terminal, argv.find((word) => !word.startsWith('-')), (ended) => (code = ended));
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return reported(error, terminal);
  }
}

/** Prints what went wrong: a sentence, and each reason with its place. */
export function reported(error: unknown, terminal: Terminal): number {
  const { red, dim, bold } = terminal.colours;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    // Help that was asked for by leaving something out has been printed already.
    if (error.code === 'commander.help') return EXIT.usage;
    return reported(usageOf(error), terminal);
  }
  if (error instanceof ProblemError) {
    const { problem } = error;
    const reasons = (problem.errors ?? []).filter((_, index, all) => all.length > 1 || all[index]?.pointer !== undefined);
    const single = reasons.length === 1 && problem.detail.includes(reasons[0]?.message ?? '');
    terminal.err(`${red('✗')} ${bold(problem.title)}${reasons.length > 1 ? '' : `: ${problem.detail}`}\n`);
    for (const { pointer, message } of single ? [] : reasons) terminal.err(`  ${pointer ? `${dim(pointer)}  ` : ''}${message}\n`);
    if (single && reasons[0]?.pointer) terminal.err(`  ${dim(`at ${reasons[0].pointer}`)}\n`);
    if (problem.status >= 500) terminal.err(`  ${dim(`request ${problem.requestId}`)}\n`);
    return error.exitCode;
  }
  if (error instanceof CliError) {
    if (error.message !== '') terminal.err(`${error.exitCode === EXIT.cancelled ? '' : `${red('✗')} `}${error.message}\n`);
    return error.exitCode;
  }
  // Nothing foresaw it: whoever reports it needs the place.
  terminal.err(`${red('✗')} ${error instanceof Error ? (terminal.env['STACKYARD_DEBUG'] ? error.stack : error.message) : String(error)}\n`);
  return EXIT.failed;
}
