import tseslint from 'typescript-eslint';

const ambient = (object, property, message) => ({ object, property, message });

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'test/**/children/', '**/*.mjs', 'eslint.config.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    // Time and randomness come in from outside: a year of rotations must run in a second.
    files: ['src/**/*.ts'],
    ignores: ['src/base/clock.ts', 'src/base/steady-clock.ts', 'src/base/random.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ambient('Date', 'now', 'take the time from a Clock'),
        ambient('Math', 'random', 'take randomness from a Random'),
        ambient('performance', 'now', 'take the time from a Clock'),
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'take the time from a Clock' },
      ],
      'no-restricted-globals': [
        'error',
        { name: 'setTimeout', message: 'waiting is the work of a shell with an injected sleep' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-console': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
);
