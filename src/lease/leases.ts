import { givingWay } from '../base/giving-way.ts';
import { randomText, type Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import { duePath, parseDuePath, pendingFor, revocationAttempts, type LeaseRecord } from './record.ts';

/** What an engine wants to lease. */
export type NewLease = Pick<LeaseRecord, 'mountId' | 'kind' | 'data' | 'tokenId' | 'renewable'> & {
  /** The path of the request. */
  readonly path: string;
  /** Seconds. */
  readonly ttl: number;
  /** Renewals never go beyond so many seconds from now. */
  readonly maxTtl: number;
};

/** The leases of a store, in one transaction. */
export class Leases {
  readonly #view: View;

  /** `core` is the core's view. */
  constructor(core: View) {
    this.#view = core.below('lease/');
  }

  async get(id: string): Promise<LeaseRecord | null> {
    return isLeaseId(id) ? this.#view.getJson<LeaseRecord>(`id/${id}`) : null;
  }

  /**
   * Notes the intent to make what a lease stands for, before anything is made: from this commit on a crash leaves
   * nothing behind that nobody ends. `activate` confirms it.
   */
  async begin(lease: NewLease, random: Random, now: number): Promise<LeaseRecord> {
    const { path, maxTtl, ...rest } = lease;
    const record: LeaseRecord = {
      ...rest,
      id: `${path}/${randomText(random, 24)}`,
      state: 'pending',
      confirmed: false,
      issuedAt: now,
      expiresAt: now + lease.ttl * 1000,
      lastRenewal: null,
      latest: now + maxTtl * 1000,
      due: now + pendingFor,
      attempts: 0,
      lastError: null,
      force: false,
    };
    await this.#view.putJson(`id/${record.id}`, record);
    await this.#view.putJson(duePath(record.due, record.id), {});
    if (record.tokenId !== null) await this.#view.putJson(`by-token/${record.tokenId}/${record.id}`, {});
    return record;
  }

  /** What it stands for is made. Null: it is being ended meanwhile, so the request must not give it away. */
  async activate(id: string): Promise<LeaseRecord | null> {
    const record = await this.get(id);
    if (record?.state !== 'pending') return null;
    return this.#put(record, { ...record, state: 'active', confirmed: true, due: record.expiresAt });
  }

  /** Lets it live for `ttl` more seconds, but not beyond its latest time. */
  async extend(record: LeaseRecord, ttl: number, now: number): Promise<LeaseRecord> {
    const expiresAt = Math.min(now + ttl * 1000, record.latest);
    return this.#put(record, { ...record, expiresAt, due: expiresAt, lastRenewal: now });
  }

  /** Has it ended as soon as possible. From now on it does not stand. */
  async end(record: LeaseRecord, now: number, force: boolean): Promise<LeaseRecord> {
    const ending = { ...record, state: 'ending' as const, force: record.force || force };
    // One that could not be ended before is tried at once, too.
    return this.#put(record, { ...ending, due: Math.min(record.due, now) });
  }

  /** It could not be ended, and shall be tried again at `due`. */
  async failed(record: LeaseRecord, error: string, due: number): Promise<LeaseRecord> {
    return this.#put(record, { ...record, state: 'ending', attempts: record.attempts + 1, lastError: error.slice(0, 240), due });
  }

  /** Forgets it: what it stood for is gone. */
  async remove(record: LeaseRecord): Promise<void> {
    await this.#view.delete(`id/${record.id}`);
    await this.#view.delete(duePath(record.due, record.id));
    if (record.tokenId !== null) await this.#view.delete(`by-token/${record.tokenId}/${record.id}`);
    if (isIrrevocable(record)) await this.#view.delete(`irrevocable/${record.id}`);
  }

  /** Ids and times of what is due, the earliest first. */
  async dueFrom(
    after: string | null,
    limit: number,
  ): Promise<readonly { readonly path: string; readonly due: number; readonly id: string }[]> {
    const paths = await this.#view.scan('by-expiry/', { limit, ...(after === null ? {} : { after }) });
    return paths.map((path) => ({ path, ...parseDuePath(path) }));
  }

  /** Ids at or below a path (without a trailing slash). */
  async below(prefix: string, after: string | null, limit: number): Promise<readonly string[]> {
    const options = { limit, ...(after === null ? {} : { after: `id/${after}` }) };
    return (await this.#view.scan(`id/${prefix}/`, options)).map((path) => path.slice('id/'.length));
  }

  async children(folder: string): Promise<readonly string[]> {
    return this.#view.children(`id/${folder}`);
  }

  async ofToken(tokenId: string, after: string | null, limit: number): Promise<readonly string[]> {
    const folder = `by-token/${tokenId}/`;
    const options = { limit, ...(after === null ? {} : { after: folder + after }) };
    return (await this.#view.scan(folder, options)).map((path) => path.slice(folder.length));
  }

  /** Those that could not be ended for long. */
  async irrevocable(limit: number): Promise<readonly LeaseRecord[]> {
    const records: LeaseRecord[] = [];
    const giveWay = givingWay(64);
    for (const path of await this.#view.scan('irrevocable/', { limit })) {
      await giveWay();
      const record = await this.get(path.slice('irrevocable/'.length));
      if (record !== null) records.push(record);
    }
    return records;
  }

  async #put(before: LeaseRecord, after: LeaseRecord): Promise<LeaseRecord> {
    await this.#view.putJson(`id/${after.id}`, after);
    if (before.due !== after.due) {
      await this.#view.delete(duePath(before.due, before.id));
      await this.#view.putJson(duePath(after.due, after.id), {});
    }
    if (isIrrevocable(after) && !isIrrevocable(before)) await this.#view.putJson(`irrevocable/${after.id}`, {});
    return after;
  }
}

export function isIrrevocable({ attempts }: LeaseRecord): boolean {
  return attempts >= revocationAttempts;
}

/** Whatever is none is not looked up: it may be no path at all. */
function isLeaseId(id: string): boolean {
  return (
    id !== '' &&
    !id.startsWith('/') &&
    !id.endsWith('/') &&
    !id.includes('//') &&
    Buffer.byteLength(id) <= 600 &&
    id.isWellFormed()
  );
}
