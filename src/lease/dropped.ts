import type { JsonObject } from '../base/json.ts';

/** A lease that was forgotten by force: what it stands for is still there, and nobody ends it any more. */
export interface DroppedLease {
  readonly id: string;
  /** The path of its mount; null: that is gone. */
  readonly mount: string | null;
  /** What it stands for (see LeaseHandler.describe); null: the engine does not say. */
  readonly what: string | null;
  /** Why that could not be ended. Holds no secret. */
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** So many are kept, and so many are named in one answer. */
const kept = 4096;
const named = 20;

/** The latest of them in this process, for whoever waits for a revocation by force: the audit log has them all. */
export class DroppedLeases {
  #latest: readonly DroppedLease[] = [];

  add(leases: readonly DroppedLease[]): void {
    if (leases.length > 0) this.#latest = [...this.#latest, ...leases].slice(-kept);
  }

  /** Those at or below a path since a time, for an answer; null: none. */
  since(prefix: string, at: number): { readonly data: JsonObject; readonly warnings: readonly string[] } | null {
    const left = this.#latest.filter((lease) => lease.at >= at && (lease.id === prefix || lease.id.startsWith(`${prefix}/`)));
    const [first] = left;
    if (first === undefined) return null;
    const shown = left.slice(0, named);
    return {
      data: {
        left_count: left.length,
        left: shown.map(({ id, mount, what, reason }) => ({
          lease_id: id,
          mount: mount === null ? null : `${mount}/`,
          what,
          reason,
        })),
      },
      warnings: [headline(left.length, first.reason), ...shown.map(line), ...more(left.length - shown.length)],
    };
  }
}

function headline(count: number, reason: string): string {
  const [leases, them] =
    count === 1 ? ['1 lease was', 'it stands'] : [`${count >= kept ? 'at least ' : ''}${count} leases were`, 'they stand'];
  return `${leases} forgotten although what ${them} for could not be ended (${reason}): it is still there, and nothing ends it any more but you`;
}

function line({ id, mount, what }: DroppedLease): string {
  return `left behind: ${what ?? 'what its engine has made'} (lease ${id}${mount === null ? '' : `, mount ${mount}/`})`;
}

const more = (count: number): readonly string[] =>
  count === 0 ? [] : [`left behind: ${count} more; the audit log names each of them (event lease-left-behind)`];
