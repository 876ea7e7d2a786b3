import { createHash } from 'node:crypto';
import { randomText, randomUuid, type Random } from '../../base/random.ts';
import { badRequest } from '../../protocol/request-error.ts';

/** What a user name is made of. */
interface UsernameParts {
  readonly DisplayName: string;
  readonly RoleName: string;
}

/** A parsed template: called, it makes a name. */
export type UsernameTemplate = (parts: UsernameParts, random: Random, now: number) => string;

/** So many characters of a name are random at least. */
const leastRandom = 8;
const longestTemplate = 1024;
const mostParts = 64;

/**
 * Parses a user name template in the language of the Vault API: text with `{{ … }}`, in which fields (`.DisplayName`,
 * `.RoleName`), texts, numbers and functions stand, joined by `|` and grouped by parentheses. The functions: printf (%s,
 * %d, %%), random, truncate, truncate_sha256, uppercase, lowercase, replace, sha256, base64, unix_time,
 * unix_time_millis, timestamp, uuid. Throws RequestError 400 saying what is wrong with it.
 */
export function parseUsernameTemplate(source: string): UsernameTemplate {
  if (source.length > longestTemplate) throw badRequest(`a username_template has at most ${longestTemplate} characters`);
  const parts: Node[] = [];
  let rest = source;
  while (rest !== '') {
    const open = rest.indexOf('{{');
    if (open === -1) break;
    if (open > 0) parts.push({ text: rest.slice(0, open) });
    const action = actionAt(rest, open + 2);
    parts.push(new Parser(tokens(action.text)).whole());
    rest = rest.slice(action.end);
  }
  if (rest !== '') parts.push({ text: rest });
  if (parts.length > mostParts) throw badRequest(`a username_template has at most ${mostParts} parts`);
  return (known, random, now) => parts.map((part) => String(valueOf(part, { known, random, now }))).join('');
}

/**
 * Throws RequestError 400 where too little of the names that a template makes is random. A user is removed by its name
 * alone, so nobody else may have that: neither one that was there before nor that of another lease.
 */
export function checkRandomness(template: UsernameTemplate, parts: UsernameParts, now: number): void {
  const [one = '', ...others] = [0, 1, 2, 3].map((byte) => {
    return template(parts, { bytes: (length) => new Uint8Array(length).fill(byte) }, now);
  });
  const random = one.split('').filter((unit, at) => others.some((other) => other[at] !== unit)).length;
  if (random >= leastRandom) return;
  throw badRequest(
    `username_template makes names of which ${random} characters are random, and ${leastRandom} are needed at least, as of ` +
      '{{random 20}}: a user is removed by its name, which nobody else may have',
  );
}

/** What stands between `{{` and `}}`, neither of which ends within a text. */
function actionAt(source: string, start: number): { readonly text: string; readonly end: number } {
  const match = /^(?:"(?:[^"\\]|\\.)*"|`[^`]*`|(?!\}\})[^"`])*\}\}/s.exec(source.slice(start));
  if (match === null) throw badRequest('username_template has a "{{" that nothing closes');
  return { text: match[0].slice(0, -2).replace(/^-\s|\s-$/g, ' '), end: start + match[0].length };
}

type Value = string | number;
type Node =
  | { readonly text: string }
  | { readonly number: number }
  | { readonly field: keyof UsernameParts }
  | { readonly call: string; readonly args: readonly Node[] };

interface Scope {
  readonly known: UsernameParts;
  readonly random: Random;
  readonly now: number;
}

function tokens(action: string): readonly string[] {
  const found: string[] = [];
  const pattern = /\s*("(?:[^"\\]|\\.)*"|`[^`]*`|\.[A-Za-z]\w*|-?\d+|[A-Za-z_]\w*|[|()])/sy;
  while (pattern.lastIndex < action.trimEnd().length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(action);
    if (match === null) throw badRequest(`username_template can't be read from "${action.slice(at).trim().slice(0, 20)}" on`);
    found.push(match[1] ?? '');
  }
  return found;
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(list: readonly string[]) {
    this.#tokens = list;
  }

  whole(): Node {
    const node = this.#pipeline();
    const left = this.#tokens[this.#at];
    if (left !== undefined) throw badRequest(`username_template has "${left}" where nothing is expected`);
    return node;
  }

  #pipeline(): Node {
    let node = this.#command(null);
    while (this.#tokens[this.#at] === '|') {
      this.#at++;
      node = this.#command(node);
    }
    return node;
  }

  /** A function with its arguments, the last of which may come from the command before; or a single operand. */
  #command(before: Node | null): Node {
    const name = this.#tokens[this.#at] ?? '';
    if (!/^[A-Za-z_]/.test(name)) {
      if (before === null) return this.#operand();
      throw badRequest('username_template has a "|" that no function follows');
    }
    this.#at++;
    const args: Node[] = [];
    for (let next = this.#tokens[this.#at]; next !== undefined && next !== '|' && next !== ')'; next = this.#tokens[this.#at]) {
      args.push(this.#operand());
    }
    if (before !== null) args.push(before);
    return checkedCall(name, args);
  }

  #operand(): Node {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw badRequest('username_template has an empty "{{ }}", or one that ends too early');
    if (token === '(') {
      const inner = this.#pipeline();
      if (this.#tokens[this.#at++] !== ')') throw badRequest('username_template has a "(" that nothing closes');
      return inner;
    }
    if (token.startsWith('"')) return { text: unquoted(token) };
    if (token.startsWith('`')) return { text: token.slice(1, -1) };
    if (/^-?\d/.test(token)) return { number: Number(token) };
    if (token === '.DisplayName' || token === '.RoleName') return { field: token.slice(1) as keyof UsernameParts };
    if (/^[A-Za-z_]/.test(token)) return checkedCall(token, []);
    throw badRequest(`username_template has "${token}"; its fields are .DisplayName and .RoleName`);
  }
}

function unquoted(token: string): string {
  try {
    return JSON.parse(token) as string;
  } catch {
    throw badRequest(`username_template has the text ${token}, which has an escape that is none`);
  }
}

interface TemplateFunction {
  /** What it takes; a trailing `…` is any number of them. */
  readonly takes: string;
  readonly arity: (count: number) => boolean;
  call(args: readonly Value[], scope: Scope): Value;
}

const exactly = (wanted: number) => (count: number) => count === wanted;
const hash = (text: Value): string => createHash('sha256').update(String(text)).digest('hex');

const functions: Readonly<Record<string, TemplateFunction>> = {
  printf: {
    takes: 'a format and its values',
    arity: (count) => count >= 1,
    call: ([format, ...values]) => {
      let next = 0;
      return String(format).replace(/%([sdvq%])/g, (_, verb: string) => (verb === '%' ? '%' : String(values[next++] ?? '')));
    },
  },
  random: { takes: 'a length', arity: exactly(1), call: ([length], { random }) => randomText(random, lengthOf(length)) },
  truncate: {
    takes: 'a length and a text',
    arity: exactly(2),
    call: ([length, text]) => String(text).slice(0, lengthOf(length)),
  },
  truncate_sha256: {
    takes: 'a length and a text',
    arity: exactly(2),
    call([length, text]) {
      const [most, whole] = [lengthOf(length), String(text)];
      if (most <= 8) throw badRequest('truncate_sha256 takes a length above 8');
      return whole.length <= most ? whole : whole.slice(0, most - 8) + hash(whole).slice(0, 8);
    },
  },
  uppercase: { takes: 'a text', arity: exactly(1), call: ([text]) => String(text).toUpperCase() },
  lowercase: { takes: 'a text', arity: exactly(1), call: ([text]) => String(text).toLowerCase() },
  replace: {
    takes: 'what to replace, by what, and a text',
    arity: exactly(3),
    call: ([from, to, text]) => String(text).replaceAll(String(from), String(to)),
  },
  sha256: { takes: 'a text', arity: exactly(1), call: ([text]) => hash(text ?? '') },
  base64: { takes: 'a text', arity: exactly(1), call: ([text]) => Buffer.from(String(text)).toString('base64') },
  unix_time: { takes: 'nothing', arity: exactly(0), call: (_, { now }) => Math.floor(now / 1000) },
  unix_time_millis: { takes: 'nothing', arity: exactly(0), call: (_, { now }) => now },
  timestamp: { takes: 'a layout', arity: exactly(1), call: ([layout], { now }) => goTime(String(layout), new Date(now)) },
  uuid: { takes: 'nothing', arity: exactly(0), call: (_, { random }) => randomUuid(random) },
};

function checkedCall(name: string, args: readonly Node[]): Node {
  const known = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (known === undefined) {
    throw badRequest(`username_template has the function "${name}"; there are ${Object.keys(functions).join(', ')}`);
  }
  if (!known.arity(args.length)) throw badRequest(`username_template: ${name} takes ${known.takes}`);
  return { call: name, args };
}

function valueOf(node: Node, scope: Scope): Value {
  if ('text' in node) return node.text;
  if ('number' in node) return node.number;
  if ('field' in node) return scope.known[node.field];
  const known = functions[node.call];
  if (known === undefined) throw new TypeError('only known functions are parsed');
  return known.call(
    node.args.map((arg) => valueOf(arg, scope)),
    scope,
  );
}

function lengthOf(value: Value | undefined): number {
  if (typeof value === 'number' && value > 0 && value <= 512) return value;
  throw badRequest(`username_template: ${String(value)} is no length from 1 to 512`);
}

/** A time as Go lays it out: the parts of its reference time, Mon Jan 2 15:04:05 2006. In UTC. */
function goTime(layout: string, at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const parts: Readonly<Record<string, string>> = {
    '2006': String(at.getUTCFullYear()),
    '06': two(at.getUTCFullYear() % 100),
    '01': two(at.getUTCMonth() + 1),
    '02': two(at.getUTCDate()),
    '15': two(at.getUTCHours()),
    '04': two(at.getUTCMinutes()),
    '05': two(at.getUTCSeconds()),
  };
  return layout.replace(/2006|0[1-6]|15/g, (part) => parts[part] ?? part);
}
