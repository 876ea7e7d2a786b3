import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Fault } from '../base/error.ts';
import { ioCode, ioReason } from '../base/io-reason.ts';
import { checkedToken, type FoundToken, readTokenFile, removeTokenFile, writeTokenFile } from './token-file.ts';
import { type Environment, variable } from './variable.ts';

/** Keeps the token of a login for the commands after it. */
export interface TokenHelper {
  /** For messages: a file, or a program. */
  readonly place: string;
  /** Null: none is kept. */
  get(): Promise<FoundToken | null>;
  store(token: string): Promise<void>;
  erase(): Promise<void>;
}

/**
 * What the Vault command line uses too, so that a login with one is a login with the other: the program that
 * `token_helper` in `~/.vault` names, else the file `~/.vault-token` (`VAULT_TOKEN_PATH`, `VAULT_CONFIG_PATH`).
 */
export function tokenHelper(env: Environment): TokenHelper {
  const home = env.HOME ?? homedir();
  const program = helperProgram(variable(env, 'CONFIG_PATH')?.value ?? join(home, '.vault'));
  return program === null
    ? fileHelper(variable(env, 'TOKEN_PATH')?.value ?? join(home, '.vault-token'))
    : programHelper(program, env);
}

/** A token in a file of its own. */
export function fileHelper(path: string): TokenHelper {
  return {
    place: path,
    get: async () => readTokenFile(path),
    store: async (token) => writeTokenFile(path, token),
    erase: async () => removeTokenFile(path),
  };
}

function helperProgram(path: string): string | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(ioCode(error) ?? '')) return null;
    throw new Fault('settings', `${path} can't be read: ${ioReason(error)}`);
  }
  const program = /^[ \t]*token_helper[ \t]*=[ \t]*"([^"\n]*)"/m.exec(text)?.[1] ?? '';
  if (program === '') return null;
  if (!isAbsolute(program)) throw new Fault('settings', `token_helper in ${path} must be an absolute path`);
  return program;
}

const answerLimit = 64 * 1024;

/** A program that is called with `get`, `store` or `erase`; tokens go through its pipes, never through its arguments. */
function programHelper(program: string, env: Environment): TokenHelper {
  const call = (word: 'get' | 'store' | 'erase', input = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = execFile(program, [word], { env: { ...env }, maxBuffer: answerLimit, timeout: 60_000 }, (error, stdout) => {
        // What it prints may be a token: nothing of it is repeated.
        if (error === null) resolve(stdout);
        else reject(new Fault('token-missing', `the token helper ${program} failed at "${word}"`));
      });
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
  return {
    place: program,
    async get() {
      const token = (await call('get')).trim();
      return token === '' ? null : checkedToken(token, program);
    },
    async store(token) {
      await call('store', token);
    },
    async erase() {
      await call('erase');
    },
  };
}
