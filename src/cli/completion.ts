import { Fault } from '../base/error.ts';
import { type Command, globalOptions } from './command.ts';
import { allCommands } from './commands.ts';

const shells = ['bash', 'zsh', 'fish'];

export const completion: Command = {
  path: ['completion'],
  summary: 'Print a completion script for a shell',
  operands: 'bash|zsh|fish',
  arity: { min: 1, max: 1 },
  examples: [
    { command: 'source <(secretctl completion bash)', explanation: 'For this shell; put it into ~/.bashrc for all.' },
    { command: 'secretctl completion fish > ~/.config/fish/completions/secretctl.fish', explanation: 'For fish.' },
  ],
  options: {},
  async run(context, [shell = '']) {
    if (!shells.includes(shell))
      throw new Fault('usage', `there is no completion for ${JSON.stringify(shell)}; there is for ${shells.join(', ')}`);
    const words = await vocabulary();
    context.terminal.out(shell === 'fish' ? fish(words) : shell === 'bash' ? bash(words) : zsh(words));
    return 0;
  },
};

interface Word {
  readonly path: string;
  readonly summary: string;
  readonly options: readonly string[];
}

async function vocabulary(): Promise<readonly Word[]> {
  return Promise.all(
    allCommands().map(async ({ name, summary, load }) => {
      const command = await load();
      return {
        path: name,
        summary,
        options: Object.keys({ ...command.options, ...globalOptions }).map((option) => `-${option}`),
      };
    }),
  );
}

/** The words that may follow each beginning of a command. */
function followers(words: readonly Word[]): ReadonlyMap<string, readonly string[]> {
  const next = new Map<string, Set<string>>();
  for (const { path } of words) {
    const parts = path.split(' ');
    parts.forEach((part, index) => {
      const before = parts.slice(0, index).join(' ');
      next.set(before, (next.get(before) ?? new Set()).add(part));
    });
  }
  return new Map([...next].map(([before, set]) => [before, [...set]]));
}

function bash(words: readonly Word[]): string {
  const cases = [
    ...[...followers(words)].map(([before, next]) => `    "${before}") words="${next.join(' ')}" ;;`),
    ...words.map(({ path, options }) => `    "${path}") words="${options.join(' ')}" ;;`),
  ];
  return `# bash completion for secretctl
_secretctl() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ "$word" == -* ]] && continue
    command="\${command:+$command }$word"
  done
  case "$command" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _secretctl secretctl
`;
}

function zsh(words: readonly Word[]): string {
  return `#compdef secretctl
autoload -U +X bashcompinit && bashcompinit
${bash(words)}`;
}

function fish(words: readonly Word[]): string {
  const lines = ['# fish completion for secretctl', 'complete -c secretctl -f'];
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  for (const [before, next] of followers(words)) {
    const parts = before === '' ? [] : before.split(' ');
    const condition =
      parts.length === 0 ? '__fish_use_subcommand' : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join('; and ');
    for (const word of next) {
      const summary = words.find(({ path }) => path === [...parts, word].join(' '))?.summary ?? '';
      lines.push(
        `complete -c secretctl -n ${quoted(condition)} -a ${quoted(word)}${summary === '' ? '' : ` -d ${quoted(summary)}`}`,
      );
    }
  }
  for (const { path, options } of words) {
    const condition = path
      .split(' ')
      .map((part) => `__fish_seen_subcommand_from ${part}`)
      .join('; and ');
    for (const option of options) lines.push(`complete -c secretctl -n ${quoted(condition)} -o ${quoted(option.slice(1))}`);
  }
  return `${lines.join('\n')}\n`;
}
