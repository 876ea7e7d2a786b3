import { givingWay } from '../base/giving-way.ts';
import { randomText, type Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import type { LeaseTerms } from '../core/lease.ts';
import { type CountedLease, LeaseCounts, nextPart } from '../core/lease-count.ts';
import {
  dueFolder,
  failingFolder,
  indexPath,
  parseIndexPath,
  pendingFolder,
  pendingFor,
  revocationAttempts,
  timeText,
  type LeaseRecord,
} from './record.ts';

const pageLimit = 256;
/** A target that has not answered for so long is one that a person has to look at. Milliseconds. */
const unansweredFor = 24 * 3_600_000;
/** Of how many it is looked at whether they could be ended. */
const looksAtOnce = 64;
/** How much of a reason is kept, in characters. */
const longestError = 480;

/** What an engine wants to lease, and for whom. */
export type NewLease = LeaseTerms &
  Pick<LeaseRecord, 'mountId' | 'inside' | 'tokenId' | 'epoch' | 'cap'> & {
    /** The path of the request. */
    readonly path: string;
  };

/** Something is to be done about a lease. */
export interface DueLease {
  readonly due: number;
  readonly id: string;
}

/** The leases of a store, in one transaction. */
export class Leases {
  readonly #view: View;
  readonly #counts: LeaseCounts;

  /** `core` is the core's view. */
  constructor(core: View) {
    this.#view = core.below('lease/');
    this.#counts = new LeaseCounts(this.#view);
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
      part: nextPart(),
      target: `${lease.mountId}.${lease.target}`,
      id: `${path}/${randomText(random, 24)}`,
      state: 'pending',
      confirmed: false,
      issuedAt: now,
      expiresAt: Math.min(now + lease.ttl * 1000, lease.cap ?? Infinity),
      lastRenewal: null,
      latest: Math.min(now + maxTtl * 1000, lease.cap ?? Infinity),
      due: now + pendingFor,
      attempts: 0,
      lastError: null,
      force: false,
    };
    await this.#view.putJson(`id/${record.id}`, record);
    for (const path of pathsTo(record)) await this.#view.putJson(path, {});
    await this.#counts.add([counted(record)]);
    return record;
  }

  /** What it stands for is made. Null: it is being ended meanwhile, so the request must not give it away. */
  async activate(id: string): Promise<LeaseRecord | null> {
    const record = await this.get(id);
    if (record?.state !== 'pending') return null;
    return this.#put(record, { ...record, state: 'active', confirmed: true, due: record.expiresAt });
  }

  /** Lets it live until `expiresAt`, at most until `latest`; both are times. */
  async extend(record: LeaseRecord, expiresAt: number, latest: number, now: number): Promise<LeaseRecord> {
    return this.#put(record, { ...record, expiresAt, latest, due: expiresAt, lastRenewal: now });
  }

  /** Has it ended as soon as possible. From now on it does not stand. */
  async end(record: LeaseRecord, now: number, force: boolean): Promise<LeaseRecord> {
    // One that could not be ended before is tried at once, too; one that is forgotten whatever comes before all others.
    const due = force ? 0 : Math.min(record.due, now);
    return this.#put(record, { ...record, state: 'ending', force: record.force || force, due });
  }

  /** It could not be ended, and shall be tried again at `due`. */
  async failed(record: LeaseRecord, error: string, due: number): Promise<LeaseRecord> {
    return this.#put(record, {
      ...record,
      state: 'ending',
      attempts: record.attempts + 1,
      lastError: error.slice(0, longestError),
      due,
    });
  }

  /** It was not tried: its target did not answer. That says nothing of the lease, and does not count. */
  async unanswered(record: LeaseRecord, error: string): Promise<LeaseRecord> {
    return this.#put(record, { ...record, state: 'ending', lastError: error.slice(0, longestError) });
  }

  /** Forgets them: what they stood for is gone. */
  async remove(records: readonly LeaseRecord[]): Promise<void> {
    for (const record of records) {
      await this.#view.delete(`id/${record.id}`);
      for (const path of pathsTo(record)) await this.#view.delete(path);
      if (isIrrevocable(record)) await this.#view.delete(`irrevocable/${record.id}`);
      if (record.lastError !== null) await this.#view.delete(failingFolder(record.target) + record.id);
    }
    await this.#counts.subtract(records.map(counted));
  }

  /** The targets with leases, a page of them in byte order. */
  async targets(after: string | null, limit: number): Promise<readonly string[]> {
    const names = await this.#view.children('due/', { limit, ...(after === null ? {} : { after: `${after}/` }) });
    return names.map((name) => name.slice(0, -1));
  }

  /** What is to be done at a target, the earliest first. */
  async dueAt(target: string, limit: number): Promise<readonly DueLease[]> {
    return (await this.#view.scan(dueFolder(target), { limit })).map(parseIndexPath);
  }

  /** Forgets an entry of the index without a lease: a defect, or a restore, has left it. */
  async forgetDue(target: string, { due, id }: DueLease): Promise<void> {
    await this.#view.delete(`${dueFolder(target)}${timeText(due)}/${id}`);
  }

  /**
   * Leases that are revoked or past their time, and still there outside: found among the first that stand in the index of
   * each target, `limit` in all.
   */
  async overdue(now: number, limit: number): Promise<readonly LeaseRecord[]> {
    const found: LeaseRecord[] = [];
    let left = limit;
    for (const target of await this.targets(null, limit)) {
      const page = await this.dueAt(target, left);
      left -= page.length;
      for (const { due, id } of page) {
        const record = await this.get(id);
        if (record !== null && (due <= now || record.state === 'ending')) found.push(record);
      }
      if (left === 0) break;
    }
    return found;
  }

  /** The epochs with leases whose making is under way, or was when their process ended. */
  async pendingEpochs(): Promise<readonly number[]> {
    return (await this.#view.children('pending/')).map((name) => Number(name.slice(0, -1)));
  }

  /** Those of an epoch, the earliest due first. */
  async pendingOf(epoch: number, limit: number): Promise<readonly DueLease[]> {
    return (await this.#view.scan(pendingFolder(epoch), { limit })).map(parseIndexPath);
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

  /** About `limit` leases of a mount that nobody has ended yet. */
  async standingOf(mountId: string, now: number, limit: number): Promise<readonly LeaseRecord[]> {
    const found: LeaseRecord[] = [];
    for await (const target of this.#targetsOf(mountId)) {
      // What is to be done by now is to be ended.
      const after = `${dueFolder(target)}${timeText(now)}~`;
      for (const path of await this.#view.scan(dueFolder(target), { after, limit })) {
        const record = await this.get(parseIndexPath(path).id);
        if (record !== null && record.state !== 'ending') found.push(record);
      }
      if (found.length >= limit) return found;
    }
    for await (const record of this.#pending()) {
      if (record.mountId === mountId && found.push(record) >= limit) break;
    }
    return found;
  }

  /** How many of a mount have not ended, and why one of the first that are due could not be ended. */
  async standing(mountId: string): Promise<{ readonly count: number; readonly problem: string | null }> {
    let problem: string | null = null;
    for (const path of await this.#view.scan(`due/${mountId}.`, { limit: looksAtOnce }))
      problem ??= (await this.get(parseIndexPath(path).id))?.lastError ?? null;
    return { count: await this.#counts.of({ of: 'mount', mount: mountId }), problem };
  }

  /** How many of a mount that the requests at a path inside it have given have not ended. */
  async countAt(mountId: string, path: string): Promise<number> {
    return this.#counts.of({ of: 'path', mount: mountId, path });
  }

  /** Has a mount any lease, whatever its state? */
  async anyOf(mountId: string): Promise<boolean> {
    if ((await this.#view.scan(`due/${mountId}.`, { limit: 1 })).length > 0) return true;
    for await (const record of this.#pending()) if (record.mountId === mountId) return true;
    return false;
  }

  /** Those that could not be ended for long, and those whose target has not answered for a day. */
  async irrevocable(limit: number, now: number): Promise<readonly LeaseRecord[]> {
    const records = await this.#recordsIn('irrevocable/', limit);
    const giveWay = givingWay(64);
    for await (const target of this.#targetsFrom(null)) {
      for (const { due, id } of records.length < limit ? await this.dueAt(target, limit) : []) {
        if (due > now - unansweredFor || records.length === limit) break;
        await giveWay();
        const record = await this.get(id);
        if (record !== null && !isIrrevocable(record)) records.push(record);
      }
    }
    return records;
  }

  async #recordsIn(folder: string, limit: number): Promise<LeaseRecord[]> {
    const records: LeaseRecord[] = [];
    const giveWay = givingWay(64);
    for (const path of await this.#view.scan(folder, { limit })) {
      await giveWay();
      const record = await this.get(path.slice(folder.length));
      if (record !== null) records.push(record);
    }
    return records;
  }

  async *#targetsOf(mountId: string): AsyncGenerator<string> {
    for await (const target of this.#targetsFrom(`${mountId}.`)) {
      if (!target.startsWith(`${mountId}.`)) return;
      yield target;
    }
  }

  /** The targets after one in byte order; null: all. */
  async *#targetsFrom(first: string | null): AsyncGenerator<string> {
    for (let after = first; ;) {
      const targets = await this.targets(after, pageLimit);
      yield* targets;
      const last = targets.at(-1);
      if (last === undefined || targets.length < pageLimit) return;
      after = last;
    }
  }

  /** All whose making is under way, of every mount: not more than there are requests. */
  async *#pending(): AsyncGenerator<LeaseRecord> {
    for (let after = 'pending/'; ;) {
      const paths = await this.#view.scan('pending/', { after, limit: pageLimit });
      for (const path of paths) {
        const record = await this.get(parseIndexPath(path).id);
        if (record !== null) yield record;
      }
      const last = paths.at(-1);
      if (last === undefined || paths.length < pageLimit) return;
      after = last;
    }
  }

  async #put(before: LeaseRecord, after: LeaseRecord): Promise<LeaseRecord> {
    await this.#view.putJson(`id/${after.id}`, after);
    if (indexPath(before) !== indexPath(after)) {
      await this.#view.delete(indexPath(before));
      await this.#view.putJson(indexPath(after), {});
    }
    if (after.lastError !== null && before.lastError === null)
      await this.#view.putJson(failingFolder(after.target) + after.id, {});
    if (isIrrevocable(after) && !isIrrevocable(before)) await this.#view.putJson(`irrevocable/${after.id}`, {});
    return after;
  }
}

/** Where a lease stands besides its record and the irrevocable ones. */
function pathsTo(record: LeaseRecord): readonly string[] {
  const { id, tokenId } = record;
  return [indexPath(record), ...(tokenId === null ? [] : [`by-token/${tokenId}/${id}`])];
}

function counted({ mountId, inside, part }: LeaseRecord): CountedLease {
  return { mount: mountId, path: inside, role: null, part };
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
