import { Fault } from '../base/error.ts';
import { type Command, globalOptions } from './command.ts';
import { allCommands } from './commands.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export const completion: Command = {
  path: ['completion'],
  summary: 'Print a completion script for a shell',
  operands: 'bash|zsh|fish',
  arity: { min: 1, max: 1 },
  description:
    'Prints a script that completes commands and options. The script is whole: completing runs no command and opens no store.',
  examples: [
    {
      command: 'source <(secretctl completion bash)',
      explanation: 'For this bash or zsh; put it into ~/.bashrc or ~/.zshrc for all.',
    },
    { command: 'secretctl completion fish > ~/.config/fish/completions/secretctl.fish', explanation: 'For fish.' },
  ],
  options: {},
  async run(context, [shell = '']) {
    const choices = choicesOf(await vocabulary());
    if (shell === 'bash') context.terminal.out(bash(choices));
    else if (shell === 'zsh') context.terminal.out(zsh(choices));
    else if (shell === 'fish') context.terminal.out(fish(choices));
    else throw new Fault('usage', `there is no completion for ${JSON.stringify(shell)}; there is for ${shells.join(', ')}`);
    return 0;
  },
};

interface Word {
  readonly text: string;
  readonly summary: string;
}

/** What may follow the words of a command or of a family of commands (`''`, `kv`, `kv metadata`, `kv get`). */
interface Choices {
  readonly after: string;
  /** The next word; empty where operands follow. */
  readonly words: readonly Word[];
  readonly options: readonly Word[];
}

async function vocabulary(): Promise<readonly Command[]> {
  return Promise.all(allCommands().map(({ load }) => load()));
}

function choicesOf(commands: readonly Command[]): readonly Choices[] {
  const families = new Map<string, Map<string, Word>>();
  for (const { path, summary } of commands) {
    path.forEach((text, index) => {
      const after = path.slice(0, index).join(' ');
      const words = families.get(after) ?? new Map<string, Word>();
      const last = index === path.length - 1;
      if (last || !words.has(text)) words.set(text, { text, summary: last ? summary : '' });
      families.set(after, words);
    });
  }
  const help: Word[] = [{ text: '-help', summary: globalOptions.help?.description ?? '' }];
  return [
    ...[...families].map(([after, words]) => ({ after, words: [...words.values()], options: help })),
    ...commands.map(({ path, operands, options }) => ({
      after: path.join(' '),
      // `bash|zsh|fish` and the like are words that can be completed; `PATH` is not.
      words: /^[a-z]+(\|[a-z]+)+$/.test(operands) ? operands.split('|').map((text) => ({ text, summary: '' })) : [],
      options: Object.entries({ ...options, ...globalOptions }).map(([name, { description }]) => ({
        text: `-${name}`,
        summary: description,
      })),
    })),
  ];
}

/**
 * The words of the command are followed as long as they lead on; what comes after them (operands, values of options)
 * does not count. Where nothing fits, the shell completes file names.
 */
function bash(choices: readonly Choices[]): string {
  const texts = (words: readonly Word[]): string => words.map(({ text }) => text).join(' ');
  const cases = choices.map(
    ({ after, words, options }) => `    "${after}") words="${texts(words)}" options="${texts(options)}" ;;`,
  );
  return `# bash completion for secretctl
_secretctl_choices() {
  case "$1" in
${cases.join('\n')}
    *) return 1 ;;
  esac
}
_secretctl() {
  local current="\${COMP_WORDS[COMP_CWORD]}" at="" word words options
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
    [[ "$word" == -* ]] && continue
    _secretctl_choices "\${at:+$at }$word" || break
    at="\${at:+$at }$word"
  done
  _secretctl_choices "$at"
  COMPREPLY=()
  if [[ "$current" == --* ]]; then
    COMPREPLY=($(compgen -P - -W "$options" -- "\${current#-}"))
  elif [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
complete -o default -F _secretctl secretctl
`;
}

function zsh(choices: readonly Choices[]): string {
  return `#compdef secretctl
autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
${bash(choices)}`;
}

function fish(choices: readonly Choices[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = choices.flatMap(({ after, words, options }) => {
    const condition = quoted(`test (__secretctl_at) = ${quoted(after)}`);
    const described = ({ summary }: Word): string => (summary === '' ? '' : ` -d ${quoted(summary)}`);
    return [
      ...words.map((word) => `complete -c secretctl -f -n ${condition} -a ${quoted(word.text)}${described(word)}`),
      ...options.map((option) => `complete -c secretctl -n ${condition} -o ${quoted(option.text.slice(1))}${described(option)}`),
    ];
  });
  return `# fish completion for secretctl
function __secretctl_at
    set -l at
    for word in (commandline -opc)[2..]
        string match -q -- '-*' $word; and continue
        contains -- (string trim -- "$at $word") ${choices.map(({ after }) => quoted(after)).join(' ')}; or break
        set at $at $word
    end
    echo "$at"
end
${lines.join('\n')}
`;
}
