import { type Command, globalOptions, type Option, targetOptions } from './command.ts';
import { allCommands, groups } from './commands.ts';
import { commandName } from './parse.ts';

const width = 96;

/** The help of the program: its commands by group. */
export function mainHelp(): string {
  const longest = Math.max(...allCommands().map(({ name }) => name.length));
  const lines = [
    'Usage: secretctl COMMAND [options]',
    '',
    'Secrets as code: plan and apply desired state in YAML against a live encrypted store.',
    '',
  ];
  for (const { title, commands } of groups) {
    if (commands.length === 0) continue;
    lines.push(`${title}:`, ...commands.map(({ name, summary }) => `  ${name.padEnd(longest)}  ${summary}`), '');
  }
  lines.push(
    'Help for one command: secretctl COMMAND -help',
    'Options take one or two dashes: -json, --json, -var=name=value.',
    '',
  );
  return lines.join('\n');
}

/** The commands below a word that is none itself: `secretctl kv`. */
export function familyHelp(word: string): string {
  const members = allCommands().filter(({ name }) => name.startsWith(`${word} `));
  const longest = Math.max(...members.map(({ name }) => name.length));
  return [
    `Usage: secretctl ${word} COMMAND [options]`,
    '',
    ...members.map(({ name, summary }) => `  ${name.padEnd(longest)}  ${summary}`),
    '',
    `Help for one command: secretctl ${word} COMMAND -help`,
    '',
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const usage = ['Usage:', commandName(command), '[options]', command.operands].filter((word) => word !== '').join(' ');
  const lines = [usage, '', ...wrap(command.description ?? `${command.summary}.`, 0), ''];
  if (command.examples.length > 0) {
    lines.push('Examples:');
    for (const { command: text, explanation } of command.examples) lines.push(`  # ${explanation}`, `  ${text}`, '');
  }
  const own = Object.entries(command.options).filter(([name]) => !Object.hasOwn(targetOptions, name));
  const target = Object.entries(command.options).filter(([name]) => Object.hasOwn(targetOptions, name));
  lines.push('Options:', ...optionLines({ ...Object.fromEntries(own), ...globalOptions }), '');
  if (target.length > 0) lines.push('Which store or server:', ...optionLines(Object.fromEntries(target)), '');
  return lines.join('\n');
}

function optionLines(options: Readonly<Record<string, Option>>): string[] {
  const heads = Object.entries(options).map(
    ([name, option]) => `-${name}${option.type === 'flag' ? '' : `=${option.value ?? option.type.toUpperCase()}`}`,
  );
  const column = Math.min(28, Math.max(...heads.map((head) => head.length)) + 2);
  return Object.values(options).flatMap((option, index) => {
    const head = heads[index] ?? '';
    const [first = '', ...rest] = wrap(option.description, column + 2);
    const lead =
      head.length + 2 > column ? [`  ${head}`, `${' '.repeat(column + 2)}${first}`] : [`  ${head.padEnd(column)}${first}`];
    return [...lead, ...rest.map((line) => `${' '.repeat(column + 2)}${line}`)];
  });
}

function wrap(text: string, indent: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + word.length + 1 > width - indent) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    return [...lines, line];
  });
}
