import type { View } from '../../barrier/view.ts';
import { mountHash } from './key.ts';

/**
 * A secret id, which itself is nowhere: its hash names the record.
 *
 * In the storage of the mount:
 * - `secret-id/<role uid>/<hash>`    the record
 * - `accessor/<role uid>/<hash>`     `{id}`, by the hash of the accessor
 * - `by-expiry/<ms>/<role uid>/<hash>`  when it is past its time: 15 digits
 * - `discarded/<role uid>`           a role that is gone and whose secret ids wait to be deleted
 */
export interface SecretIdRecord {
  readonly accessor: string;
  /** How often it may still be used; 0: without limit. The last use deletes it. */
  readonly usesLeft: number;
  /** Seconds as they were asked for; 0: without end. */
  readonly ttl: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** The addresses from which one may log in with it. */
  readonly cidrs: readonly string[];
  /** The addresses from which its tokens work, instead of the role's. */
  readonly tokenCidrs: readonly string[];
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Null: never. */
  readonly expiresAt: number | null;
}

/** The secret ids of one role, in one transaction. The `…Hash` are those of MountHash. */
export class SecretIdRecords {
  readonly #storage: View;
  readonly #uid: string;

  constructor(storage: View, roleUid: string) {
    this.#storage = storage;
    this.#uid = roleUid;
  }

  async get(idHash: string): Promise<SecretIdRecord | null> {
    return this.#storage.getJson<SecretIdRecord>(`secret-id/${this.#uid}/${idHash}`);
  }

  async add(idHash: string, accessorHash: string, record: SecretIdRecord): Promise<void> {
    await this.put(idHash, record);
    await this.#storage.putJson(`accessor/${this.#uid}/${accessorHash}`, { id: idHash });
    if (record.expiresAt !== null) await this.#storage.putJson(this.#duePath(record.expiresAt, idHash), {});
  }

  /** Replaces a record; its accessor and its end stay. */
  async put(idHash: string, record: SecretIdRecord): Promise<void> {
    await this.#storage.putJson(`secret-id/${this.#uid}/${idHash}`, record);
  }

  async remove(idHash: string, accessorHash: string, record: SecretIdRecord): Promise<void> {
    await this.#storage.delete(`secret-id/${this.#uid}/${idHash}`);
    await this.#storage.delete(`accessor/${this.#uid}/${accessorHash}`);
    if (record.expiresAt !== null) await this.#storage.delete(this.#duePath(record.expiresAt, idHash));
  }

  async idOfAccessor(accessorHash: string): Promise<string | null> {
    return (await this.#storage.getJson<{ readonly id: string }>(`accessor/${this.#uid}/${accessorHash}`))?.id ?? null;
  }

  /** The hashes of accessors, in their order, which has no meaning. */
  async accessors(after: string, limit: number): Promise<string[]> {
    return this.#storage.children(`accessor/${this.#uid}/`, { ...(after === '' ? {} : { after }), limit });
  }

  #duePath(due: number, idHash: string): string {
    return `by-expiry/${String(due).padStart(15, '0')}/${this.#uid}/${idHash}`;
  }
}

/** How many records one transaction deletes at most. */
const batch = 500;

/** Deletes the secret ids of a role that is gone; nothing finds them any more. What is too much is left to `expireSecretIds`. */
export async function discardSecretIds(storage: View, roleUid: string): Promise<void> {
  if ((await discard(storage, roleUid, batch)) === null) await storage.putJson(`discarded/${roleUid}`, {});
}

/** When the next secret id is past its time, in milliseconds since the epoch; 0: roles wait to be cleaned up. Null: never. */
export async function nextSecretIdDue(storage: View): Promise<number | null> {
  if ((await storage.children('discarded/', { limit: 1 })).length > 0) return 0;
  const [first] = await storage.scan('by-expiry/', { limit: 1 });
  return first === undefined ? null : dueOf(first).due;
}

/**
 * Deletes secret ids that are past their time, and goes on with those of roles that are gone: at most about `limit`
 * records, to be called again while what it gives, see `nextSecretIdDue`, is not in the future. Nothing depends on it: a
 * secret id that is past its time does not work anyway.
 */
export async function expireSecretIds(storage: View, now: number, limit: number = batch): Promise<number | null> {
  let left = limit;
  for (const uid of await storage.children('discarded/', { limit })) {
    const deleted = await discard(storage, uid, left);
    if (deleted === null) return now;
    left -= deleted;
    await storage.delete(`discarded/${uid}`);
  }
  if (left <= 0) return nextSecretIdDue(storage);
  const { accessor: accessorHash } = await mountHash(storage);
  for (const path of await storage.scan('by-expiry/', { limit: left })) {
    const { due, uid, idHash } = dueOf(path);
    if (due > now) return due;
    const records = new SecretIdRecords(storage, uid);
    const record = await records.get(idHash);
    if (record?.expiresAt === due) await records.remove(idHash, accessorHash(uid, record.accessor), record);
    else await storage.delete(path);
  }
  return nextSecretIdDue(storage);
}

function dueOf(path: string): { readonly due: number; readonly uid: string; readonly idHash: string } {
  const [, due = '', uid = '', idHash = ''] = path.split('/');
  return { due: Number(due), uid, idHash };
}

/** How many records were deleted of a role that is gone; null: there are more than `most`. */
async function discard(storage: View, uid: string, most: number): Promise<number | null> {
  let deleted = 0;
  for (const folder of [`secret-id/${uid}/`, `accessor/${uid}/`]) {
    if (deleted >= most) return null;
    const names = await storage.children(folder, { limit: most - deleted });
    for (const name of names) await storage.delete(folder + name);
    deleted += names.length;
    if (deleted >= most) return null;
  }
  return deleted;
}
