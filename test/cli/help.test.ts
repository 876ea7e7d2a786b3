import { describe, expect, it, test } from 'vitest';
import { allCommands, groups } from '../../src/cli/commands.ts';
import { parseInvocation } from '../../src/cli/parse.ts';
import { Workspace } from './workspace.ts';

const names = allCommands().map(({ name }) => name);
const families = [
  ...new Set(names.flatMap((name) => name.split(' ').map((_, index, words) => words.slice(0, index).join(' ')))),
].filter((family) => family !== '');

/** The command lines in an example, as a shell splits them: `a | b`, `a && b`, `<(a)`. */
function exampleLines(text: string): string[][] {
  return [...text.matchAll(/secretctl ([^|&>)]*)/g)].map(([, line = '']) => line.split(' ').filter((word) => word !== ''));
}

describe('the help of the program', () => {
  it.each(['-help', '--help', '-h', 'help'])('lists every command with its summary: secretctl %s', async (word) => {
    const { code, out } = await new Workspace().run(word);
    expect(code).toBe(0);
    for (const { name, summary } of allCommands())
      expect(out).toMatch(new RegExp(`^  ${name} +${summary.replaceAll(/[()]/g, '\\$&')}$`, 'm'));
    for (const { title } of groups) expect(out).toContain(`\n${title}:\n`);
  });

  it('is an error where no command was given, and stands on standard error then', async () => {
    const { code, out, err } = await new Workspace().run([]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('Usage: secretctl COMMAND [options]');
  });
});

describe.each(names)('secretctl %s -help', (name) => {
  test('says how it is called, with an example that is a valid command line of it, and every option', async () => {
    const command = await allCommands()
      .find((listed) => listed.name === name)!
      .load();
    const { code, out, err } = await new Workspace().run(`${name} -help`);
    expect([code, err]).toEqual([0, '']);
    expect(out.startsWith(`Usage: secretctl ${name} [options]${command.operands === '' ? '' : ` ${command.operands}`}\n`)).toBe(
      true,
    );
    expect(command.path.join(' ')).toBe(name);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const { command: example, explanation } of command.examples) {
      expect(out).toContain(`  # ${explanation}\n  ${example}\n`);
      const own = exampleLines(example).filter((words) => words.slice(0, command.path.length).join(' ') === name);
      expect(own.length).toBeGreaterThan(0);
      for (const words of own) expect(() => parseInvocation(command, words.slice(command.path.length))).not.toThrow();
    }
    for (const option of [...Object.keys(command.options), 'help', 'json', 'no-color'])
      expect(out).toMatch(new RegExp(`^  -${option}\\b`, 'm'));
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(130);
    expect(out).not.toContain('undefined');
  });

  test('is the same with help before it, and whatever else is wrong in the line', async () => {
    const at = new Workspace();
    const { out } = await at.run(`${name} -help`);
    for (const line of [`help ${name}`, `${name} --help`, `${name} -h`, `${name} a b c -help`])
      expect((await at.run(line)).out).toBe(out);
  });
});

describe('a family of commands', () => {
  it.each(families)('lists its members when asked, and as an error when a member is missing: %s', async (family) => {
    const at = new Workspace();
    const asked = await at.run(`${family} -help`);
    expect(asked.code).toBe(0);
    for (const name of names.filter((candidate) => candidate.startsWith(`${family} `))) expect(asked.out).toContain(`  ${name} `);
    expect(await at.run(`help ${family}`)).toMatchObject({ code: 0, out: asked.out });
    expect(await at.run(family)).toMatchObject({ code: 1, out: '', err: asked.out });
  });
});

describe('a command that there is none of', () => {
  it.each([
    ['pln', 'plan'],
    ['PLAN', 'plan'],
    ['aply -auto-approve', 'apply'],
    ['kv gte kv/x', 'kv get'],
    ['kv metadata gt kv/x', 'kv metadata get'],
    ['state lst', 'state list'],
    ['help vaildate', 'validate'],
    ['tokn', 'token'],
  ])('gets the nearest one: %s', async (line, near) => {
    const { code, out, err } = await new Workspace().run(line);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^Error: unknown command "/);
    expect(err).toContain(`Did you mean "secretctl ${near}"?`);
  });

  it.each(['frobnicate', 'kv xyzzy', 'help xyzzy'])('far from every other is told where they are listed: %s', async (line) => {
    const { code, err } = await new Workspace().run(line);
    expect(code).toBe(1);
    expect(err).toMatch(/See: secretctl (kv )?-help/);
  });

  it('is told the right order where options stand before the command', async () => {
    const at = new Workspace();
    expect(await at.run('-store x kv get a')).toMatchObject({
      code: 1,
      err: 'Error: options stand after the command: -store\nWrite: secretctl kv get -store …\n',
    });
    expect((await at.run('-json plan')).err).toContain('Write: secretctl plan -json …');
    expect((await at.run('--frob=hush')).err).toBe(
      'Error: options stand after the command: --frob\nWrite: secretctl COMMAND --frob …\n',
    );
  });
});
