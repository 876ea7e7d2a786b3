import { createHash } from 'node:crypto';
import { isIdentifier } from '../base/name.ts';
import type { View, ViewRecord } from '../barrier/view.ts';
import { countFolder } from '../core/counter-route.ts';

/**
 * Who a login stands for, however often and by whatever method. The groups that an entity is a direct member of are in
 * its record, so that one read at each request says all of it; the members of a group, of which there may be many, are
 * keys below the group.
 *
 * Below `identity/` of the core's records:
 * - `entity/<id>`, `group/<id>`          the records
 * - `entity-name/<name>`, `group-name/<name>`       `{id}`
 * - `entity-alias/<alias id>`, `group-alias/<alias id>`   `{owner}`: the id of the entity or group
 * - `entity-login/<accessor>/<hash>`, `group-login/<accessor>/<hash>`   `{owner, alias}`, by the mount's accessor and the
 *   SHA-256 of the alias name
 * - `merged/<id>`                        `{into}`: the entity that an entity was merged into
 * - `member-entity/<group id>/<entity id>`, `member-group/<group id>/<group id>`   the members of a group
 */
export interface EntityRecord {
  readonly id: string;
  readonly name: string;
  readonly metadata: Metadata | null;
  readonly policies: readonly string[];
  readonly disabled: boolean;
  readonly aliases: readonly Alias[];
  /** The ids of the groups that it is a direct member of, sorted. */
  readonly groups: readonly string[];
  readonly mergedIds: readonly string[];
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

type Metadata = Readonly<Record<string, string>>;

/** A name by which an auth method knows an entity, or a group of another directory. */
export interface Alias {
  readonly id: string;
  readonly name: string;
  readonly mountAccessor: string;
  /** What the auth method says. */
  readonly metadata: Metadata | null;
  /** What people say. */
  readonly customMetadata: Metadata | null;
  readonly mergedFrom: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface GroupRecord {
  readonly id: string;
  readonly name: string;
  /** The members of an external group are set by logins only. */
  readonly type: 'internal' | 'external';
  readonly metadata: Metadata | null;
  readonly policies: readonly string[];
  /** The ids of the groups that it is a direct member of, sorted. */
  readonly parents: readonly string[];
  readonly alias: Alias | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Counts the writes. */
  readonly modifyIndex: number;
}

interface Kinds {
  readonly entity: EntityRecord;
  readonly group: GroupRecord;
}
export type IdentityKind = keyof Kinds;
export type IdentityRecord<K extends IdentityKind> = Kinds[K];
export type IdentityFolder = IdentityKind | `${IdentityKind}-name` | `${IdentityKind}-alias`;

/** The records of entities and groups and their indexes, in one transaction. */
export class IdentityRecords {
  readonly #view: View;

  /** `core` is the core's view. */
  constructor(core: View) {
    this.#view = core.below('identity/');
  }

  async get<K extends IdentityKind>(kind: K, id: string): Promise<Kinds[K] | null> {
    // An id comes from a request: it never becomes a path unless it could be one of ours.
    return isIdentifier(id) ? this.#view.getJson<Kinds[K]>(`${kind}/${id}`) : null;
  }

  /** An entity by its id or by that of one that was merged into it. */
  async current(id: string): Promise<EntityRecord | null> {
    const entity = await this.get('entity', id);
    if (entity !== null || !isIdentifier(id)) return entity;
    const merged = await this.#view.getJson<{ readonly into: string }>(`merged/${id}`);
    return merged === null ? null : this.get('entity', merged.into);
  }

  /** The stored record as it lies there, with its version. */
  async stored(kind: IdentityKind, id: string): Promise<ViewRecord | null> {
    return isIdentifier(id) ? this.#view.get(`${kind}/${id}`) : null;
  }

  async byName<K extends IdentityKind>(kind: K, name: string): Promise<Kinds[K] | null> {
    if (!isIdentifier(name)) return null;
    const entry = await this.#view.getJson<{ readonly id: string }>(`${kind}-name/${name}`);
    return entry === null ? null : this.get(kind, entry.id);
  }

  async byAlias<K extends IdentityKind>(kind: K, aliasId: string): Promise<Kinds[K] | null> {
    if (!isIdentifier(aliasId)) return null;
    const entry = await this.#view.getJson<{ readonly owner: string }>(`${kind}-alias/${aliasId}`);
    return entry === null ? null : this.get(kind, entry.owner);
  }

  /** What has this alias, and the alias' id. */
  async byLogin(
    kind: IdentityKind,
    mountAccessor: string,
    name: string,
  ): Promise<{ readonly owner: string; readonly alias: string } | null> {
    return isIdentifier(mountAccessor) ? this.#view.getJson(loginPath(kind, mountAccessor, name)) : null;
  }

  /** Writes a record and its indexes. `before` is what there was; null: it is new. */
  async put<K extends IdentityKind>(kind: K, before: Kinds[K] | null, after: Kinds[K]): Promise<void> {
    await this.#view.putJson(`${kind}/${after.id}`, after);
    if (before?.name !== after.name) {
      if (before !== null) await this.#view.delete(`${kind}-name/${before.name}`);
      await this.#view.putJson(`${kind}-name/${after.name}`, { id: after.id });
    }
    const kept = new Map(aliasesOf(after).map((alias) => [alias.id, alias]));
    for (const alias of before === null ? [] : aliasesOf(before)) {
      const now = kept.get(alias.id);
      if (now === undefined) await this.#forgetAlias(kind, alias);
      else if (now.name !== alias.name || now.mountAccessor !== alias.mountAccessor) await this.#forgetLogin(kind, alias);
      else kept.delete(alias.id);
    }
    for (const alias of kept.values()) {
      await this.#view.putJson(`${kind}-alias/${alias.id}`, { owner: after.id });
      await this.#view.putJson(loginPath(kind, alias.mountAccessor, alias.name), { owner: after.id, alias: alias.id });
    }
  }

  /** Deletes a record and its indexes, its memberships apart. */
  async delete<K extends IdentityKind>(kind: K, record: Kinds[K]): Promise<void> {
    await this.#view.delete(`${kind}/${record.id}`);
    await this.#view.delete(`${kind}-name/${record.name}`);
    for (const alias of aliasesOf(record)) await this.#forgetAlias(kind, alias);
  }

  async noteMerged(id: string, into: string): Promise<void> {
    await this.#view.putJson(`merged/${id}`, { into });
  }

  async forgetMerged(id: string): Promise<void> {
    await this.#view.delete(`merged/${id}`);
  }

  /** Ids in byte order. */
  async members(kind: IdentityKind, groupId: string): Promise<readonly string[]> {
    return this.#view.children(`member-${kind}/${groupId}/`);
  }

  async addMember(kind: IdentityKind, groupId: string, id: string): Promise<void> {
    await this.#view.putJson(`member-${kind}/${groupId}/${id}`, {});
  }

  async removeMember(kind: IdentityKind, groupId: string, id: string): Promise<void> {
    await this.#view.delete(`member-${kind}/${groupId}/${id}`);
  }

  /** Names or ids in byte order; those of aliases are ids. */
  async list(folder: IdentityFolder, page: { readonly after?: string; readonly limit?: number }): Promise<readonly string[]> {
    return this.#view.children(`${folder}/`, page);
  }

  async count(kind: IdentityKind): Promise<number> {
    return countFolder(this.#view, kind);
  }

  async #forgetAlias(kind: IdentityKind, alias: Alias): Promise<void> {
    await this.#view.delete(`${kind}-alias/${alias.id}`);
    await this.#forgetLogin(kind, alias);
  }

  async #forgetLogin(kind: IdentityKind, { mountAccessor, name }: Alias): Promise<void> {
    await this.#view.delete(loginPath(kind, mountAccessor, name));
  }
}

function aliasesOf(record: EntityRecord | GroupRecord): readonly Alias[] {
  if ('aliases' in record) return record.aliases;
  return record.alias === null ? [] : [record.alias];
}

function loginPath(kind: IdentityKind, mountAccessor: string, name: string): string {
  // A name is any text, and a key is neither.
  return `${kind}-login/${mountAccessor}/${createHash('sha256').update(name).digest('hex')}`;
}
