import type { Json, JsonObject } from '../base/json.ts';
import type { Reply } from '../protocol/reply.ts';
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
  context.terminal.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** One field of a reply's data, raw, for scripts (`-field`). */
export function printField(context: CliContext, data: JsonObject, field: string): number {
  if (!Object.hasOwn(data, field)) {
    context.terminal.err(`There is no field ${JSON.stringify(field)}; there are: ${Object.keys(data).sort().join(', ')}\n`);
    return 1;
  }
  const value = data[field] ?? null;
  context.terminal.out(typeof value === 'string' ? value : JSON.stringify(value));
  if (context.terminal.interactive) context.terminal.out('\n');
  return 0;
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
  };
}

export function printWarnings(context: CliContext, reply: Reply): void {
  for (const warning of reply.warnings ?? []) context.terminal.err(`Warning: ${warning}\n`);
}
