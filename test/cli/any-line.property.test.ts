import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { globalOptions } from '../../src/cli/command.ts';
import { allCommands } from '../../src/cli/commands.ts';
import { appliedWorkspace, secretValue, type Workspace } from './workspace.ts';

const seed = Number(process.env['SECRETCTL_SEED'] ?? 20261124);
const numRuns = process.env['SECRETCTL_FULL'] === '1' ? 5000 : 200;

const commands = await Promise.all(allCommands().map(({ load }) => load()));

const operands = [
  'kv',
  'kv/payments/stripe',
  'kv/none',
  'one/x',
  'cubbyhole/x',
  'sys/mounts',
  'sys/policies/acl/payments-read',
  'kv//x',
  'kv/../x',
  'Policy/payments-read',
  'StaticSecret/kv/payments/stripe',
  'SecretEngine/kv',
  'AuthBinding/approle/payments-api',
  'data.api_key',
  'a=b',
  'a=-',
  'a=@secretctl.yaml',
  '@secretctl.yaml',
  '-',
  'secretctl.yaml',
  'saved.plan',
  '.',
  'payments-read',
  'root',
  'hvs.unknown',
  'bash',
  'ümläut/\u0007',
  '',
  '__proto__',
];
const values = [
  '',
  '1',
  '0',
  '-1',
  '1h',
  'x',
  'a=b',
  'ttl=2h',
  'Policy/payments-read',
  '.',
  'saved.plan',
  'secretctl.yaml',
  '/dev/null',
  'production',
  '{}',
  '__proto__=1',
];

/** A command with options of its own and operands that mean something somewhere: what people type when they are tired. */
const line = fc.constantFrom(...commands).chain((command) => {
  const options = Object.entries({ ...command.options, ...globalOptions }).filter(([name]) => name !== 'store');
  const option = fc
    .constantFrom(...options)
    .chain(([name, { type }]) =>
      type === 'flag'
        ? fc.constantFrom(`-${name}`, `-${name}=false`)
        : fc.constantFrom(...values).map((value) => `-${name}=${value}`),
    );
  const enough = fc.array(fc.constantFrom(...operands), {
    minLength: Math.min(command.arity.min, 3),
    maxLength: Math.min(command.arity.max, 3),
  });
  return fc.tuple(enough, fc.array(option, { maxLength: 3 })).map(([words, given]) => [...command.path, ...words, ...given]);
});
const nonsense = fc.array(fc.oneof(fc.string(), fc.constantFrom('kv', 'state', '-json', '-help', '--', 'plan', '-x')), {
  maxLength: 4,
});

let at: Workspace;
beforeAll(async () => {
  at = await appliedWorkspace();
  await at.ok('write sys/mounts/one type=kv');
  await at.ok('plan -out=saved.plan');
});

test(
  'whatever is typed, the program answers in its own words and with an exit code that its help knows',
  { timeout: 600_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ arbitrary: line, weight: 5 }, { arbitrary: nonsense, weight: 1 }),
        fc.constantFrom('', 'text', '{"a": "b"}'),
        async (words, input) => {
          const { code, out, err } = await at.run(words, { input });
          expect([0, 1, 2, 3, 4, 6]).toContain(code);
          expect(err).not.toMatch(/internal error|undefined|\[object|NaN/);
          if (code === 1) expect(err + out).not.toBe('');
          if (!/^(kv get|kv put|read|write)/.test(words.join(' '))) expect(out + err).not.toContain(secretValue);
          if (words.includes('-json') && err.startsWith('{'))
            expect(() => JSON.parse(err.split('\n')[0] ?? '') as unknown).not.toThrow();
          if (code === 1 && err.startsWith('Error: ')) expect(err).toMatch(/^Error: [^\n]*[^\s.][^\n]*\n/);
        },
      ),
      { seed, numRuns },
    );
  },
);
