import { resolve } from 'node:path';
import { parseDuration } from '../base/duration.ts';
import { Fault } from '../base/error.ts';
import type { SpecSchema } from '../kinds/kind.ts';
import type { Address } from './stream-transport.ts';

/** What the settings declare of one sink. */
export interface SinkDeclaration {
  readonly name: string;
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
}

/** What Vault's devices have as options and ours are anyway, whatever their type. */
export const commonAccepts: Readonly<Record<string, string>> = {
  format: 'json',
  hmac_accessor: 'true',
  log_raw: 'false',
  prefix: '',
  elide_list_responses: 'false',
};

export const timeoutSchema: SpecSchema = {
  type: ['string', 'integer'],
  format: 'duration',
  description: 'How long it may take: a sink that does not answer is set aside, and tried again later (file 5s, else 2s).',
};

export const maxMessageSizeSchema: SpecSchema = {
  type: 'integer',
  minimum: 480,
  maximum: 1_048_576,
  default: 8000,
  description:
    'The most bytes of a message or datagram. A longer line is sent in parts: syslog messages marked part@32473 in their structured data, or datagrams of which only the last ends in a newline.',
};

const longestTimeout = 60;

/** The options of a declaration, read one by one. Throws Fault `settings` that names the sink and the option. */
export class SinkOptions {
  readonly #declaration: SinkDeclaration;
  readonly #directory: string;

  /** Paths that are not absolute are below `directory`. */
  constructor(declaration: SinkDeclaration, directory: string) {
    this.#declaration = declaration;
    this.#directory = directory;
  }

  text(name: string): string | null {
    const { options } = this.#declaration;
    const value = Object.hasOwn(options, name) ? options[name] : undefined;
    return value === undefined || value === '' ? null : value;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === null) throw this.problem(name, 'is missing');
    return value;
  }

  choice<const T extends string>(name: string, values: readonly T[], otherwise: T): T {
    const value = this.text(name);
    const found = values.find((one) => one === value);
    if (value !== null && found === undefined) throw this.problem(name, `must be one of ${values.join(', ')}`);
    return found ?? otherwise;
  }

  path(name: string): string | null {
    const value = this.text(name);
    return value === null ? null : resolve(this.#directory, value);
  }

  address(name: string): Address {
    const value = this.required(name);
    const [, bracketed, bare, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(value) ?? [];
    const port = Number(digits);
    if (digits === undefined || port < 1 || port > 65_535) throw this.problem(name, 'must be HOST:PORT');
    return { host: bracketed ?? bare ?? '', port };
  }

  count(
    name: string,
    { least, most, otherwise }: { readonly least: number; readonly most: number; readonly otherwise: number },
  ): number {
    const value = this.text(name);
    if (value === null) return otherwise;
    const count = /^\d{1,9}$/.test(value) ? Number(value) : -1;
    if (count < least || count > most) throw this.problem(name, `must be a whole number from ${least} to ${most}`);
    return count;
  }

  /** The option `timeout`, in milliseconds. */
  timeout(otherwise: number): number {
    const value = this.text('timeout');
    if (value === null) return otherwise;
    const seconds = parseDuration(value) ?? -1;
    if (seconds < 0.001 || seconds > longestTimeout) throw this.problem('timeout', `must be a duration up to ${longestTimeout}s`);
    return Math.round(seconds * 1000);
  }

  /** Refuses options that are for another choice than the one that was made. */
  unusable(names: readonly string[], why: string): void {
    for (const name of names) if (this.text(name) !== null) throw this.problem(name, `is not used ${why}`);
  }

  problem(name: string, what: string): Fault {
    return new Fault('settings', `audit sink ${this.#declaration.name}: the option "${name}" ${what}`);
  }
}
