import { fromUtf8 } from '../base/bytes.ts';
import type { View, ViewRecord } from '../barrier/view.ts';
import type { Identity } from '../core/ports.ts';
import { pendingVersion } from '../storage/transaction.ts';
import { type EntityRecord, type GroupRecord, type IdentityKind, IdentityRecords } from './records.ts';

/** A record that an identity was made of; version null: it was not there. */
interface Source {
  readonly kind: IdentityKind;
  readonly id: string;
  readonly version: number | null;
}

interface Remembered {
  readonly sources: readonly Source[];
  /** Null: the entity is disabled. */
  readonly identity: Identity | null;
  /** Bytes of the records, about. */
  readonly weight: number;
}

/**
 * Finds who stands behind a token. What was made of records is remembered for as long as each of them has the same
 * version: the versions are looked at in each transaction, only the parsing is saved. Least recently used first out.
 */
export class IdentityResolver {
  readonly #limit: number;
  readonly #remembered = new Map<string, Remembered>();
  #weight = 0;

  /** At most about `limit` bytes of records. */
  constructor(limit = 16 * 1024 * 1024) {
    this.#limit = limit;
  }

  /** See IdentityPort.resolve. */
  async resolve(core: View, entityId: string): Promise<Identity | null> {
    const records = new IdentityRecords(core);
    const known = this.#remembered.get(entityId);
    if (known !== undefined && (await isCurrent(records, known.sources))) {
      this.#remembered.delete(entityId);
      this.#remembered.set(entityId, known);
      return known.identity;
    }
    this.#forget(entityId);
    const own = await records.stored('entity', entityId);
    if (own !== null) return this.#remember(entityId, await made(records, entityId, own));
    // Its own record is gone: it may have become part of another one.
    const current = await records.current(entityId);
    const stored = current === null ? null : await records.stored('entity', current.id);
    return current === null || stored === null ? null : (await made(records, current.id, stored)).identity;
  }

  #remember(entityId: string, found: Remembered): Identity | null {
    if (found.identity?.stamp === null || found.weight > this.#limit / 8) return found.identity;
    this.#remembered.set(entityId, found);
    this.#weight += found.weight;
    for (const oldest of this.#remembered.keys()) {
      if (this.#weight <= this.#limit) break;
      this.#forget(oldest);
    }
    return found.identity;
  }

  #forget(entityId: string): void {
    this.#weight -= this.#remembered.get(entityId)?.weight ?? 0;
    this.#remembered.delete(entityId);
  }
}

async function isCurrent(records: IdentityRecords, sources: readonly Source[]): Promise<boolean> {
  for (const { kind, id, version } of sources) {
    if (((await records.stored(kind, id))?.version ?? null) !== version) return false;
  }
  return true;
}

// What an entry costs besides the bytes of its records. An estimate.
const entryWeight = 500;

async function made(records: IdentityRecords, id: string, own: ViewRecord): Promise<Remembered> {
  const entity = parsed<EntityRecord>(own);
  const sources: Source[] = [{ kind: 'entity', id, version: own.version }];
  let weight = entryWeight + own.value.byteLength;
  const groups = new Map<string, GroupRecord | null>();
  const queue = entity.disabled ? [] : [...entity.groups];
  for (const groupId of queue) {
    if (groups.has(groupId)) continue;
    const stored = await records.stored('group', groupId);
    const group = stored === null ? null : parsed<GroupRecord>(stored);
    groups.set(groupId, group);
    sources.push({ kind: 'group', id: groupId, version: stored?.version ?? null });
    weight += entryWeight + (stored?.value.byteLength ?? 0);
    if (group !== null) queue.push(...group.parents);
  }
  const pending = sources.some(({ version }) => version === pendingVersion);
  const stamp = pending ? null : sources.map((source) => `${source.id}@${source.version ?? ''}`).join(',');
  const found = [...groups.values()].filter((group) => group !== null);
  return { sources, weight, identity: entity.disabled ? null : identityOf(entity, found, stamp) };
}

function parsed<T>(record: ViewRecord): T {
  return JSON.parse(fromUtf8(record.value)) as T;
}

function identityOf(entity: EntityRecord, groups: readonly GroupRecord[], stamp: string | null): Identity {
  const policies = new Set([entity, ...groups].flatMap((holder) => holder.policies));
  return {
    entity: {
      id: entity.id,
      name: entity.name,
      metadata: entity.metadata ?? {},
      aliases: entity.aliases.map(({ id, name, mountAccessor, metadata, customMetadata }) => ({
        id,
        name,
        mountAccessor,
        metadata: metadata ?? {},
        customMetadata: customMetadata ?? {},
      })),
    },
    groups: groups.map(({ id, name, metadata }) => ({ id, name, metadata: metadata ?? {} })),
    policies: [...policies].sort(),
    stamp,
  };
}
