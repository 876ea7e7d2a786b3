import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { declaredWorkspace, projectRoot, Workspace } from '../cli/workspace.ts';

// Needs the `script` program of util-linux, which gives a command a terminal, and bash.
const program = join(projectRoot, 'dist/main.js');

interface Shown {
  /** All that the terminal showed, control sequences included. */
  readonly text: string;
  readonly code: number | null;
}

/** What a person does: types a text when the terminal shows another one. */
type Steps = readonly (readonly [shown: string, typed: string])[];

/** Runs a shell line on a terminal of its own; `secretctl` is the built program. */
function onTerminal(at: Workspace, line: string, steps: Steps, env: Readonly<Record<string, string>> = {}): Promise<Shown> {
  const text = `secretctl() { '${process.execPath}' '${program}' "$@"; }; ${line}`;
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', `bash --norc -c ${quoted(text)}`, '/dev/null'], {
    cwd: at.root,
    env: { PATH: process.env['PATH'], HOME: at.base, TERM: 'xterm', SHELL: '/bin/bash', ...at.env, ...env },
  });
  let shown = '';
  let from = 0;
  const left = [...steps];
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    const [next] = left;
    if (next === undefined || !shown.slice(from).includes(next[0])) return;
    from = shown.length;
    left.shift();
    child.stdin.write(next[1]);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ text: shown, code }));
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** What stands on the screen in the end, line by line: enough of a terminal for what the program sends. */
function screen(text: string): string[] {
  const lines: string[][] = [[]];
  let column = 0;
  for (const [token] of text.matchAll(/\u001b\[[0-9;?]*[A-Za-z]|[^]/g)) {
    const line = lines.at(-1) ?? [];
    if (token === '\n') column = lines.push([]) && 0;
    else if (token === '\r') column = 0;
    else if (token.length === 1) line[column++] = token;
    else if (token.endsWith('G')) column = Number(/\d+/.exec(token)?.[0] ?? 1) - 1;
    else if (token.endsWith('J')) line.length = column;
  }
  return lines.map((line) => Array.from(line, (letter) => letter ?? ' ').join(''));
}

describe('a person at a terminal', () => {
  let at: Workspace;
  beforeAll(async () => {
    at = await declaredWorkspace();
  });

  it('sees the whole question beside the answer', async () => {
    const { text, code } = await onTerminal(at, 'secretctl apply -no-color', [['Enter a value: ', 'no\r']]);
    expect(code).toBe(1);
    const lines = screen(text);
    expect(lines.slice(lines.indexOf('Do you want to perform these actions?'))).toEqual([
      'Do you want to perform these actions?',
      '  Only "yes" is accepted to approve.',
      '',
      '  Enter a value: no',
      'Cancelled. Nothing was changed.',
      '',
    ]);
  });

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('takes everything back with %s: exit code 130, nothing changed', async (_, key) => {
    const { text, code } = await onTerminal(at, 'secretctl apply', [['Enter a value: ', key]]);
    expect([code, text]).toEqual([130, expect.stringContaining('Cancelled. Nothing was changed.')]);
    expect(await at.ok('state list')).toBe('');
  });

  it('can correct what they type, and a yes is a yes', async () => {
    const { text, code } = await onTerminal(at, 'secretctl apply', [['Enter a value: ', 'yez\u007fs\r']]);
    expect([code, text]).toEqual([0, expect.stringContaining('Apply complete! Resources: 5 added')]);
    expect((await at.ok('state list')).split('\n')).toHaveLength(6);
  });

  it('is not shown the secrets that they type', async () => {
    const sealed = await onTerminal(at, 'secretctl encrypt -write StaticSecret/kv/payments/stripe data.api_key', [
      ['data.api_key: ', 'hush hush\r'],
    ]);
    const put = await onTerminal(at, 'secretctl kv put kv/typed a=-', [['Value of a: ', 'hush hush\r']]);
    for (const { text, code } of [sealed, put]) expect([code, text.includes('hush')]).toEqual([0, false]);
    expect(await at.ok('kv get -field=a kv/typed')).toBe('hush hush');
    expect((await onTerminal(at, 'secretctl kv get -field=a kv/typed', [])).text).toBe('hush hush\r\n');
  });

  it('sees colours, unless they do not want them or it is no terminal', async () => {
    const coloured = (line: string, env = {}) => onTerminal(at, line, [], env).then(({ text }) => text.includes('\u001b['));
    expect(await coloured('secretctl plan')).toBe(true);
    expect(await coloured('secretctl nonsense')).toBe(true);
    expect(await coloured('secretctl plan', { NO_COLOR: '1' })).toBe(false);
    expect(await coloured('secretctl plan', { TERM: 'dumb' })).toBe(false);
    expect(await coloured('secretctl plan -no-color')).toBe(false);
    expect(await coloured('secretctl plan | cat')).toBe(false);
    expect(await coloured('secretctl nonsense 2>&1 | cat')).toBe(false);
  });
});

describe('the shares of a sealed store', () => {
  it('are typed unseen, again where one does not count', async () => {
    const at = new Workspace();
    const { shares } = await at.json<{ shares: [string, string, string] }>('init -json -seal=shamir -shares=3 -threshold=2 .');
    const { text, code } = await onTerminal(at, 'secretctl policy list', [
      ['Share 1 of 2: ', `${shares[0]}\r`],
      ['Share 2 of 2: ', `${shares[0]}\r`],
      ['Share 2 of 2: ', `${shares[2]}\r`],
    ]);
    expect([code, text]).toEqual([
      0,
      expect.stringMatching(/That share does not count: share 1 was already given\r\n.*default\r\nroot\r\n$/s),
    ]);
    for (const share of shares) expect(text).not.toContain(share);
    expect((await onTerminal(at, 'secretctl policy list', [['Share 1 of 2: ', '\u0003']])).code).toBe(130);
  });
});

describe('completion in bash', () => {
  const complete = (...words: readonly string[]): string[] => {
    const text = `eval "$(cat)"; COMP_WORDS=(${words.map(quoted).join(' ')}); COMP_CWORD=${words.length - 1}; _secretctl; printf '%s\n' "\${COMPREPLY[@]}"`;
    const script = spawnSync(process.execPath, [program, 'completion', 'bash'], { encoding: 'utf8' }).stdout;
    return spawnSync('bash', ['--norc', '-c', text], { input: script, encoding: 'utf8' })
      .stdout.split('\n')
      .filter((line) => line !== '');
  };

  it.each<[readonly string[], readonly string[]]>([
    [['secretctl', 'va'], ['validate']],
    [['secretctl', 'kv', 'me'], ['metadata']],
    [
      ['secretctl', 'kv', 'metadata', ''],
      ['get', 'put', 'patch', 'delete'],
    ],
    [['secretctl', 'kv', 'get', '-fi'], ['-field']],
    [['secretctl', 'kv', 'get', '--fi'], ['--field']],
    [['secretctl', 'kv', 'get', 'kv/x', '-fi'], ['-field']],
    [['secretctl', 'plan', '-out', 'x', '-detailed'], ['-detailed-exitcode']],
    [['secretctl', 'plan', '-out', '=', 'x', '-detailed'], ['-detailed-exitcode']],
    [['secretctl', 'completion', 'z'], ['zsh']],
    [['secretctl', 'apply', ''], []],
  ])('of %j', (words, expected) => {
    expect(complete(...words)).toEqual(expected);
  });
});

describe('what cannot be written', () => {
  it('is an error, not a silence', async () => {
    const at = await declaredWorkspace();
    const line = `'${process.execPath}' '${program}' policy list > /dev/full`;
    const { status, stderr } = spawnSync('bash', ['--norc', '-c', line], {
      cwd: at.root,
      env: { PATH: process.env['PATH'], ...at.env },
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([1, "Error: the output can't be written: the disk is full (ENOSPC)\n"]);
  });
});
