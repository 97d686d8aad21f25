import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import type { Terminal } from '../output/terminal.ts';

/** Words that can follow each other: nouns, their verbs, and the options of both. */
export interface Words {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly string[];
  readonly verbs: readonly { readonly name: string; readonly summary: string; readonly options: readonly string[] }[];
}

const scripts: Readonly<Record<string, (words: readonly Words[]) => string>> = { bash, zsh, fish };

export function completionCommand(command: Command, terminal: Terminal): void {
  command
    .argument('<shell>', Object.keys(scripts).join(', '))
    .addHelpText(
      'after',
      '\nbash: source <(stackyard completion bash)\nzsh:  source <(stackyard completion zsh)\nfish: stackyard completion fish | source',
    )
    .action(async (shell: string) => {
      const script = scripts[shell];
      if (!script) throw new UsageError(`There is no completion for ${shell}: use ${Object.keys(scripts).join(', ')}.`);
      const { buildProgram } = await import('../program.ts');
      terminal.out(script(wordsOf(await buildProgram(terminal, 'all'))));
    });
}

export function wordsOf(program: Command): Words[] {
  const optionsOf = (command: Command): string[] =>
    command.options.flatMap(({ long, short }) => [long, short].filter((flag) => flag !== undefined && flag !== null));
  return program.commands.map((noun) => ({
    name: noun.name(),
    summary: noun.summary(),
    options: optionsOf(noun),
    verbs: noun.commands.map((verb) => ({ name: verb.name(), summary: verb.summary(), options: optionsOf(verb) })),
  }));
}

function bash(words: readonly Words[]): string {
  const nouns = words.map(({ name }) => name).join(' ');
  const verbCases = words
    .filter(({ verbs }) => verbs.length > 0)
    .map(({ name, verbs }) => `    ${name}) words="${verbs.map((verb) => verb.name).join(' ')}" ;;`);
  const optionCases = words.flatMap(({ name, options, verbs }) => [
    ...(verbs.length === 0 && options.length > 0 ? [`    "${name} "*|"${name}") words="${options.join(' ')}" ;;`] : []),
    ...verbs.map((verb) => `    "${name} ${verb.name}") words="${verb.options.join(' ')}" ;;`),
  ]);
  return `_stackyard() {
  local current="\${COMP_WORDS[COMP_CWORD]}" noun="\${COMP_WORDS[1]}" verb="\${COMP_WORDS[2]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${nouns}"
  elif [ "$COMP_CWORD" -eq 2 ] && [ "\${current#-}" = "$current" ]; then
    case "$noun" in
${verbCases.join('\n')}
    esac
  else
    case "$noun \${verb#-*}" in
${optionCases.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _stackyard stackyard
`;
}

function zsh(words: readonly Words[]): string {
  return `#compdef stackyard
autoload -U +X bashcompinit && bashcompinit
${bash(words)}`;
}

function fish(words: readonly Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", String.raw`\'`)}'`;
  const lines = words.flatMap(({ name, summary, options, verbs }) => [
    `complete -c stackyard -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
    ...verbs.map(
      (verb) =>
        `complete -c stackyard -n '__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${verbs.map((each) => each.name).join(' ')}' -f -a ${verb.name} -d ${quote(verb.summary)}`,
    ),
    ...verbs.flatMap((verb) =>
      longs(verb.options).map(
        (flag) =>
          `complete -c stackyard -n '__fish_seen_subcommand_from ${name}; and __fish_seen_subcommand_from ${verb.name}' -l ${flag}`,
      ),
    ),
    ...(verbs.length === 0
      ? longs(options).map((flag) => `complete -c stackyard -n '__fish_seen_subcommand_from ${name}' -l ${flag}`)
      : []),
  ]);
  return `${lines.join('\n')}\n`;
}

function longs(options: readonly string[]): string[] {
  return options.filter((flag) => flag.startsWith('--')).map((flag) => flag.slice(2));
}
