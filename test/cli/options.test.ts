import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { Fault } from '../../src/base/error.ts';
import { type Command, globalOptions, type Option } from '../../src/cli/command.ts';
import { allCommands } from '../../src/cli/commands.ts';
import { parseInvocation } from '../../src/cli/parse.ts';

const commands = await Promise.all(allCommands().map(({ load }) => load()));
const seed = Number(process.env['SECRETCTL_SEED'] ?? 20261124);
const numRuns = process.env['SECRETCTL_FULL'] === '1' ? 5000 : 200;

/** As few operands as the command takes. */
function operandsFor({ arity }: Command): string[] {
  return Array.from({ length: arity.min }, (_, index) => `operand${index}`);
}

const samples: Readonly<Record<Option['type'], string>> = { flag: '', text: 'a=b', list: 'a=b', number: '3', duration: '90s' };
const meanings: Readonly<Record<Option['type'], unknown>> = { flag: true, text: 'a=b', list: ['a=b'], number: 3, duration: 90 };

function valueOf(command: Command, option: Option, name: string, words: readonly string[]): unknown {
  const { options } = parseInvocation(command, words);
  switch (option.type) {
    case 'flag':
      return options.flag(name);
    case 'list':
      return options.list(name);
    case 'text':
      return options.text(name);
    default:
      return options.number(name);
  }
}

function refusal(command: Command, words: readonly string[]): Fault {
  try {
    parseInvocation(command, words);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error(`${words.join(' ')} is accepted`);
}

describe.each(commands)('the options of secretctl $path', (command) => {
  test('mean the same in each spelling, before and after the operands', () => {
    const operands = operandsFor(command);
    for (const [name, option] of Object.entries({ ...command.options, ...globalOptions })) {
      const sample = samples[option.type];
      const spellings =
        option.type === 'flag'
          ? [[`-${name}`], [`--${name}`], [`-${name}=true`], [`--${name}=true`]]
          : [[`-${name}`, sample], [`--${name}`, sample], [`-${name}=${sample}`], [`--${name}=${sample}`]];
      for (const words of spellings) {
        expect(valueOf(command, option, name, [...words, ...operands])).toEqual(meanings[option.type]);
        expect(valueOf(command, option, name, [...operands, ...words])).toEqual(meanings[option.type]);
        expect(parseInvocation(command, [...words, ...operands]).operands).toEqual(operands);
      }
      expect(parseInvocation(command, operands).options.given(name)).toBe(false);
    }
  });

  test('can be turned off where they are flags', () => {
    for (const [name, option] of Object.entries({ ...command.options, ...globalOptions })) {
      if (option.type !== 'flag') continue;
      const { options } = parseInvocation(command, [`-${name}=false`, ...operandsFor(command)]);
      expect([options.flag(name), options.given(name)]).toEqual([false, true]);
      expect(refusal(command, [`-${name}=yes`]).message).toBe(`-${name} is a flag: it takes no value but true or false`);
    }
  });

  test('refuse a value that is none, or that is missing', () => {
    for (const [name, option] of Object.entries(command.options)) {
      if (option.type === 'flag') continue;
      for (const words of [[`-${name}`], [`-${name}`, '-json'], [`--${name}`, `-${name}=x`]]) {
        expect(refusal(command, words)).toMatchObject({ code: 'usage', hint: `See: secretctl ${command.path.join(' ')} -help` });
        expect(refusal(command, words).message).toMatch(new RegExp(`^-${name} needs a value: -${name}=[A-Z]`, 'i'));
      }
      if (option.type === 'number')
        for (const bad of ['x', '-1', '1.5', '', '1e3', '99999999999999999999'])
          expect(refusal(command, [`-${name}=${bad}`]).message).toContain('must be a whole number');
      if (option.type === 'duration')
        for (const bad of ['x', '-1s', '5 minutes'])
          expect(refusal(command, [`-${name}=${bad}`]).message).toContain('must be a duration');
    }
  });

  test('are refused where there is none of the name, with the nearest one', () => {
    for (const name of Object.keys(command.options)) {
      const fault = refusal(command, [`-${name}x`]);
      expect(fault.message).toBe(`unknown option -${name}x`);
      expect(fault.hint).toMatch(/^(Did you mean -|See: secretctl )/);
    }
    expect(refusal(command, ['-constructor'])).toMatchObject({ message: 'unknown option -constructor' });
    expect(refusal(command, ['--__proto__=1']).code).toBe('usage');
  });

  test('are counted apart from the operands', () => {
    const { min, max } = command.arity;
    const operands = operandsFor(command);
    if (min > 0)
      expect(refusal(command, operands.slice(1)).message).toBe(`secretctl ${command.path.join(' ')} needs ${command.operands}`);
    if (max < 200) {
      const many = Array.from({ length: max + 1 }, () => 'word');
      const { message } = refusal(command, many);
      expect(message).toBe(
        `secretctl ${command.path.join(' ')} takes ${max === 0 ? 'no operand' : `${command.operands} and nothing more`}`,
      );
      expect(message).not.toContain('word');
      expect(parseInvocation(command, [...many, '-help']).options.flag('help')).toBe(true);
    }
  });
});

describe('an option', () => {
  const probe: Command = {
    path: ['probe'],
    summary: '',
    operands: '[WORD…]',
    arity: { min: 0, max: 1000 },
    examples: [],
    options: { text: { type: 'text', description: '' }, many: { type: 'list', description: '' } },
    run: () => Promise.resolve(0),
  };

  it('takes any text as its value, as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(valueOf(probe, probe.options['text']!, 'text', [`-text=${value}`])).toBe(value);
        expect(valueOf(probe, probe.options['many']!, 'many', [`--many=${value}`, `-many=${value}`])).toEqual([value, value]);
      }),
      { seed, numRuns },
    );
  });

  it('ends at --, after which every word is an operand', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('-text', '--many=x', '-json', '--'))), (words) => {
        expect(parseInvocation(probe, ['--', ...words]).operands).toEqual(words);
      }),
      { seed, numRuns },
    );
  });

  it('may have a value that starts with a dash', () => {
    expect(parseInvocation(probe, ['-text', '-5', '-many', '--', '-many=-json']).options.list('many')).toEqual(['--', '-json']);
  });

  it('may be -f where the command has -force, and nowhere else', () => {
    const forced: Command = { ...probe, options: { force: { type: 'flag', description: '' } } };
    expect(parseInvocation(forced, ['-f', 'path']).options.flag('force')).toBe(true);
    expect(refusal(probe, ['-f']).message).toBe('unknown option -f');
  });

  it('takes its last value where it is given twice and is no list', () => {
    expect(parseInvocation(probe, ['-text=a', '-text=b']).options.text('text')).toBe('b');
  });
});
