import type { ResourceName } from '../kinds/kind.ts';

/**
 * The identity of an address as one string, for maps and for ordering. Its display text would not do: `Kind/a/b` may
 * be the object `b` in the mount `a`, or `a/b` at the top.
 */
export function addressKey({ kind, mount, name }: ResourceName): string {
  return `${kind}\n${mount ?? ''}\n${name}`;
}

/** By kind, mount and name, in UTF-16 code units: the same everywhere, whatever the locale. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The address without what else its object may carry. */
export function bareAddress({ kind, mount, name }: ResourceName): ResourceName {
  return { kind, mount, name };
}
