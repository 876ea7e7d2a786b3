import type { CliContext } from './context.ts';

/**
 * A command of the command line, as data: parsing, help and completion all come from it. One file holds one command
 * or one family of commands (`kv get`, `kv put` …).
 */
export interface Command {
  /** Its words: `['kv', 'get']`. */
  readonly path: readonly string[];
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the options, as help shows it: `MOUNT/PATH [KEY=VALUE …]`. Empty: nothing. */
  readonly operands: string;
  /** How many operands it takes. */
  readonly arity: { readonly min: number; readonly max: number };
  /** More than the summary says: what it does, what it never does, exit codes other than 0 and 1. */
  readonly description?: string;
  readonly examples: readonly Example[];
  readonly options: Readonly<Record<string, Option>>;
  /** Returns the exit code. Throws Fault or RequestError to fail with a message. */
  run(context: CliContext, operands: readonly string[], options: Options): Promise<number>;
}

interface Example {
  readonly command: string;
  readonly explanation: string;
}

export interface Option {
  readonly type: 'flag' | 'text' | 'list' | 'number' | 'duration';
  /** What its value is called in help: `DIR`. */
  readonly value?: string;
  readonly description: string;
}

/** The options as given; an absent one is undefined. Durations in seconds. */
export class Options {
  readonly #values: ReadonlyMap<string, string | boolean | number | readonly string[]>;

  constructor(values: ReadonlyMap<string, string | boolean | number | readonly string[]>) {
    this.#values = values;
  }

  /** The same options with one more. */
  with(name: string, value: boolean): Options {
    return new Options(new Map([...this.#values, [name, value]]));
  }

  /** True where the option was given, also as `-flag=false`. */
  given(name: string): boolean {
    return this.#values.has(name);
  }

  flag(name: string): boolean {
    return this.#values.get(name) === true;
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  list(name: string): readonly string[] {
    const value = this.#values.get(name);
    return Array.isArray(value) ? (value as readonly string[]) : [];
  }

  number(name: string): number | undefined {
    const value = this.#values.get(name);
    return typeof value === 'number' ? value : undefined;
  }
}

/** Some of a set of options: what makes sense for one command. */
export function pickOptions(options: Readonly<Record<string, Option>>, ...names: string[]): Readonly<Record<string, Option>> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}

/** Options that every command takes. */
export const globalOptions: Readonly<Record<string, Option>> = {
  help: { type: 'flag', description: 'Show help for the command.' },
  json: { type: 'flag', description: 'Print JSON for programs (the same as -format=json).' },
  format: {
    type: 'text',
    value: 'table|json|yaml',
    description: 'How to print what is there (default table; $VAULT_FORMAT).',
  },
  'no-color': { type: 'flag', description: 'Never colour the output ($NO_COLOR and $VAULT_CLI_NO_COLOR do the same).' },
};

/** Options of every command that may open a store of this machine. */
export const storeOptions: Readonly<Record<string, Option>> = {
  store: {
    type: 'text',
    value: 'DIR',
    description: 'The .secretctl directory of a store on this machine (default: $SECRETCTL_STORE, else that of the workspace).',
  },
  'lock-timeout': {
    type: 'duration',
    value: 'DURATION',
    description: 'How long to wait for a store that another process owns (default 0s).',
  },
  'accept-audit-loss': {
    type: 'flag',
    description: 'Go on although the audit log is lost, cut off or altered; what is left is put aside and the new log says so.',
  },
  'unseal-from': {
    type: 'text',
    value: 'FILE',
    description: 'Read the shares of a Shamir seal from this file (mode 0600), one a line.',
  },
};

/** Options of the connection to a server. */
export const serverOptions: Readonly<Record<string, Option>> = {
  address: {
    type: 'text',
    value: 'URL',
    description: 'The server to work on: https://HOST:PORT or unix:///PATH ($SECRETCTL_ADDR, $BAO_ADDR, $VAULT_ADDR).',
  },
  'ca-cert': {
    type: 'text',
    value: 'FILE',
    description: 'The authority that signed the certificate of the server ($VAULT_CACERT).',
  },
  'ca-path': { type: 'text', value: 'DIR', description: 'A directory of such authorities ($VAULT_CAPATH).' },
  'client-cert': {
    type: 'text',
    value: 'FILE',
    description: 'The certificate that is shown to the server ($VAULT_CLIENT_CERT).',
  },
  'client-key': { type: 'text', value: 'FILE', description: 'Its key ($VAULT_CLIENT_KEY).' },
  'tls-server-name': {
    type: 'text',
    value: 'NAME',
    description: 'The name that the certificate of the server must hold ($VAULT_TLS_SERVER_NAME).',
  },
  'tls-skip-verify': {
    type: 'flag',
    description: 'Trust any certificate: whoever stands between sees everything ($VAULT_SKIP_VERIFY).',
  },
  namespace: { type: 'text', value: 'NAME', description: 'Refused unless empty: there are no namespaces ($VAULT_NAMESPACE).' },
};

/** Options of every command that works on a store or a server: which one, and how to reach it. */
export const targetOptions: Readonly<Record<string, Option>> = { ...storeOptions, ...serverOptions };
