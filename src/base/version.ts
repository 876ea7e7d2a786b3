import { readFileSync } from 'node:fs';

let known: string | null = null;

/** The version of this build, from its package. */
export function version(): string {
  known ??= (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
  return known;
}

/**
 * What the server calls itself: the version of the Vault API that it speaks, as clients compare it, with ours as the
 * build metadata of a semantic version. No dots there: clients that cut at dots take three parts, the last one with a
 * tail (Spring Vault, made for `+ent`).
 */
export function vaultApiVersion(): string {
  return `1.18.5+secretctl-${version().replaceAll('.', '-')}`;
}
