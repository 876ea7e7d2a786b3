import { goDuration } from '../base/duration.ts';
import { Fault } from '../base/error.ts';
import { instantText } from '../base/instant.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { nearest } from '../base/nearest.ts';
import type { Reply, ReplyAuth, WrapInfo } from '../protocol/reply.ts';
import type { CliContext } from './context.ts';

/** Rows under a header, as the clients of the Vault API print them: `Key  Value` with a line of dashes. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map((name) => '-'.repeat(Math.max(3, name.length))), ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map(
      (line) =>
        `${line.map((cell, column) => (column === header.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('    ')}\n`,
    )
    .join('');
}

/** An object as `Key  Value` rows, sorted by key. */
export function keyValues(data: JsonObject): string {
  return table(
    ['Key', 'Value'],
    Object.keys(data)
      .sort()
      .map((key) => [key, plain(data[key] ?? null)]),
  );
}

/** An object as `Key  Value` rows, in the order of its members. */
export function inOrder(data: JsonObject): string {
  return table(
    ['Key', 'Value'],
    Object.entries(data).map(([key, value]) => [key, plain(value)]),
  );
}

/** The lease that comes with a reply, in the words of the clients of the Vault API; empty: none does. */
export function leaseOf({ leaseId, leaseDuration, renewable }: Reply): JsonObject {
  if (leaseId === undefined || leaseId === '') return {};
  return { lease_id: leaseId, lease_duration: leaseDuration ?? 0, lease_renewable: renewable ?? false };
}

/** What a reply holds, after the lease that comes with it, as the clients of the Vault API show both. */
export function leasedValues(reply: Reply, data: JsonObject): string {
  const lease = Object.entries(leaseOf(reply)).map(([name, value]) => [
    name,
    name === 'lease_duration' ? clientDuration(Number(value)) : plain(value),
  ]);
  const names = Object.keys(data).sort();
  return table(['Key', 'Value'], [...lease, ...names.map((name) => [name, plain(data[name] ?? null)])]);
}

/** A value for a person: text as it is, lists in brackets, objects as `map[…]`, null as `n/a`. */
export function plain(value: Json): string {
  if (value === null) return 'n/a';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => plain(item as Json)).join(' ')}]`;
  return `map[${Object.entries(value as JsonObject)
    .map(([key, item]) => `${key}:${plain(item)}`)
    .join(' ')}]`;
}

export function printJson(context: CliContext, value: unknown): void {
  context.terminal.out(context.encode(value));
}

/** One field of a reply's data, for scripts (`-field`): raw, with `-json` as JSON. Throws Fault `usage` where there is none. */
export function printField(context: CliContext, data: JsonObject, field: string): number {
  if (!Object.hasOwn(data, field)) {
    const near = nearest(field, Object.keys(data));
    throw new Fault('usage', `there is no field ${JSON.stringify(field)}; there are: ${Object.keys(data).sort().join(', ')}`, {
      ...(near === null ? {} : { hint: `Did you mean ${near}?` }),
    });
  }
  const value = data[field] ?? null;
  if (context.json) printJson(context, value);
  else {
    context.terminal.out(typeof value === 'string' ? value : JSON.stringify(value));
    if (context.terminal.outputIsScreen) context.terminal.out('\n');
  }
  return 0;
}

/** What went wrong, as a person or (`-json`) a program gets it on standard error. */
export interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

export function printError(context: CliContext, error: ShownError): void {
  const { terminal, json } = context;
  const hint = error.hint === null ? null : capitalised(error.hint);
  if (json) terminal.err(`${JSON.stringify({ error: { ...error, hint } })}\n`);
  else {
    const label = terminal.errorColour ? '\u001b[1;31mError:\u001b[0m' : 'Error:';
    terminal.err(`${label} ${error.message}\n${hint === null ? '' : `${hint}\n`}`);
  }
}

/** A hint is a sentence; the program's own name stays small. */
function capitalised(hint: string): string {
  return /^secretctl\b/.test(hint) ? hint : hint.charAt(0).toUpperCase() + hint.slice(1);
}

/** There is nothing where somebody looked: said on standard error. Returns the exit code for it, 2. */
export function nothing(context: CliContext, message: string, hint: string | null = null): 2 {
  if (context.json) printError(context, { code: 'not-found', message, hint });
  else context.terminal.err(`${message}\n${hint === null ? '' : `${hint}\n`}`);
  return 2;
}

/** The wire form of a reply, for `-json`. */
export function wireReply(reply: Reply): JsonObject {
  return {
    data: reply.data ?? null,
    auth: (reply.auth ?? null) as unknown as Json,
    warnings: reply.warnings ?? null,
    lease_id: reply.leaseId ?? '',
    lease_duration: reply.leaseDuration ?? 0,
    renewable: reply.renewable ?? false,
    ...(reply.wrapInfo === undefined ? {} : { wrap_info: wireWrapInfo(reply.wrapInfo) }),
  };
}

/** A duration as clients of the Vault API show it: `768h`, `1h30m`. */
export function clientDuration(seconds: number): string {
  return goDuration(seconds)
    .replace(/(?<=[hm])0s$/, '')
    .replace(/(?<=h)0m$/, '');
}

/** A token that was given, in the words of the clients of the Vault API. */
export function authTable(auth: ReplyAuth): JsonObject {
  return {
    // Who names a token by its accessor is not told the token.
    ...(auth.client_token === '' ? {} : { token: auth.client_token }),
    token_accessor: auth.accessor,
    token_duration: auth.lease_duration === 0 ? '∞' : clientDuration(auth.lease_duration),
    token_renewable: auth.renewable,
    token_policies: auth.token_policies,
    ...(auth.identity_policies.length === 0 ? {} : { identity_policies: auth.identity_policies }),
    policies: auth.policies,
    ...Object.fromEntries(Object.entries(auth.metadata ?? {}).map(([name, value]) => [`token_meta_${name}`, value])),
  };
}

/** Where a wrapped reply waits, in the words of the clients of the Vault API. */
export function wrapTable({ token, accessor, ttl, creationTime, creationPath, wrappedAccessor }: WrapInfo): JsonObject {
  return {
    wrapping_token: token,
    wrapping_accessor: accessor,
    wrapping_token_ttl: goDuration(ttl),
    wrapping_token_creation_time: instantText(creationTime),
    wrapping_token_creation_path: creationPath,
    ...(wrappedAccessor === '' ? {} : { wrapped_accessor: wrappedAccessor }),
  };
}

function wireWrapInfo(info: WrapInfo): JsonObject {
  const { token, accessor, ttl, creationTime, creationPath, wrappedAccessor } = info;
  return {
    token,
    accessor,
    ttl,
    creation_time: instantText(creationTime),
    creation_path: creationPath,
    ...(wrappedAccessor === '' ? {} : { wrapped_accessor: wrappedAccessor }),
  };
}

/** Warnings, for a person: a program finds them in the JSON. */
export function printWarnings(context: CliContext, reply: Pick<Reply, 'warnings'>): void {
  if (context.json) return;
  for (const warning of reply.warnings ?? []) context.terminal.err(`Warning: ${warning}\n`);
}
