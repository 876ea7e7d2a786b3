import { describe, expect, it } from 'vitest';
import { globalOptions } from '../../src/cli/command.ts';
import { allCommands } from '../../src/cli/commands.ts';
import { Workspace } from './workspace.ts';

const commands = await Promise.all(allCommands().map(({ load }) => load()));

describe('completion', () => {
  it.each(['bash', 'zsh'])('for %s knows the words after each word, and every option of every command', async (shell) => {
    const script = await new Workspace().ok(`completion ${shell}`);
    const choices = new Map(
      [...script.matchAll(/^ {4}"([^"]*)"\) words="([^"]*)" options="([^"]*)" ;;$/gm)].map(
        ([, at = '', words = '', options = '']) => [at, { words: words.split(' '), options: options.split(' ') }],
      ),
    );
    for (const { path, options } of commands) {
      path.forEach((word, index) => expect(choices.get(path.slice(0, index).join(' '))?.words).toContain(word));
      expect(choices.get(path.join(' '))?.options).toEqual(
        Object.keys({ ...options, ...globalOptions }).map((name) => `-${name}`),
      );
    }
    expect(choices.get('completion')?.words).toEqual(['bash', 'zsh', 'fish']);
    expect(choices.get('apply')?.words).toEqual(['']);
  });

  it('for fish does too, with what each word is for', async () => {
    const script = await new Workspace().ok('completion fish');
    for (const { path, summary, options } of commands) {
      const before = path.slice(0, -1).join(' ');
      expect(script).toContain(
        `complete -c secretctl -f -n 'test (__secretctl_at) = \\'${before}\\'' -a '${path.at(-1)}' -d '${summary}'\n`,
      );
      for (const name of Object.keys(options))
        expect(script).toContain(`-n 'test (__secretctl_at) = \\'${path.join(' ')}\\'' -o '${name}'`);
    }
  });

  it('is there for no other shell', async () => {
    expect(await new Workspace().run('completion powershell')).toMatchObject({
      code: 1,
      err: 'Error: there is no completion for "powershell"; there is for bash, zsh, fish\n',
    });
  });
});
