import { createHash } from 'node:crypto';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../src/base/json.ts';
import type { LensRead } from '../../src/kinds/kind.ts';
import {
  addressText,
  type ApplyBody,
  type ApplyRequest,
  type ManagedAddress,
  type ManagedRecord,
  type Snapshot,
} from '../../src/protocol/managed.ts';
import { seenDigest } from '../../src/protocol/seen-digest.ts';
import { addressKey } from '../../src/plan/address.ts';

/**
 * What a store is to a plan, over plain maps: it answers snapshots and commits applies whole or not at all. It refuses
 * what a real one refuses: a stale base, a condition that does not hold, content without its mount, nested mounts.
 */
export class ModelStore {
  objects = new Map<string, JsonObject>();
  records = new Map<string, ManagedRecord>();
  revision = 1;
  #marks = 0;
  #generated = 0;

  snapshot(reads: readonly LensRead[], project = 'acme'): Snapshot {
    const records = [...this.records.values()];
    return {
      storeId: 'store-1',
      revision: this.revision,
      managed: records.filter((record) => record.project === project),
      foreign: records
        .filter((record) => record.project !== project)
        .map(({ address, project: other }) => ({ address, project: other })),
      engines: Object.fromEntries(
        [...this.objects].flatMap(([path, { type }]) =>
          path.startsWith('mounts/') ? [[path.slice(7), { type: String(type), options: {} }]] : [],
        ),
      ),
      methods: {},
      replies: reads.map(({ path }) => this.reply(path)),
    };
  }

  reply(path: string): JsonObject | null {
    const found = this.objects.get(path);
    if (found === undefined) return null;
    return without(found, 'values');
  }

  /** The values of a secret, in the clear. */
  values(path: string): JsonObject {
    const values = this.objects.get(path)?.values;
    return isJsonObject(values) ? values : {};
  }

  /** What somebody does by hand, without a record. A mount is configuration: it moves the revision. */
  byHand(path: string, object: JsonObject | null): void {
    if (path.startsWith('mounts/')) this.revision += 1;
    if (object === null) this.objects.delete(path);
    else this.objects.set(path, path.startsWith('in/') ? { ...object, mark: this.#nextMark() } : object);
  }

  apply(body: ApplyBody): void {
    const before = { objects: new Map(this.objects), records: new Map(this.records) };
    try {
      if (body.base !== this.revision) throw new Error('stale base');
      for (const { reads, seen, address } of body.changes) {
        if (seenDigest(reads.map(({ path }) => this.reply(path))) !== seen) throw new Error(`stale ${addressText(address)}`);
      }
      for (const change of body.changes) {
        const from = change.from ?? change.address;
        const previous = this.records.get(addressKey(from));
        if (previous?.protect === true && (change.action === 'delete' || change.action === 'replace'))
          throw new Error('protected');
        let mark = change.mark === undefined ? (previous?.mark ?? null) : change.mark;
        for (const request of change.requests) mark = this.#perform(request) ?? mark;
        if (change.from !== undefined) {
          if (this.records.has(addressKey(change.address))) throw new Error(`${addressText(change.address)} is managed already`);
          this.records.delete(addressKey(from));
        }
        if (change.record === null) this.records.delete(addressKey(change.address));
        else this.#record(body, change.address, change.record, mark);
      }
      this.revision += 1;
    } catch (error) {
      this.objects = before.objects;
      this.records = before.records;
      throw error;
    }
  }

  #record(
    body: ApplyBody,
    address: ManagedAddress,
    record: Pick<ManagedRecord, 'spec' | 'labels' | 'protect'>,
    mark: string | null,
  ): void {
    const digest = `sha256:${createHash('sha256').update(canonicalJson(record.spec)).digest('hex')}`;
    const { project, commit } = body;
    this.records.set(addressKey(address), {
      address,
      project,
      ...record,
      digest,
      commit,
      mark,
      appliedAt: '2026-11-24T00:00:00Z',
    });
  }

  #perform({ operation, path, data, values }: ApplyRequest): string | null {
    const known = this.objects.get(path);
    if (path === 'remount') return this.#remount(String(data.from), String(data.to));
    if (path.startsWith('mounts/')) {
      const name = path.slice(7);
      const nested = [...this.objects.keys()]
        .filter((other) => other.startsWith('mounts/') && other !== path)
        .map((other) => other.slice(7));
      if (operation !== 'delete' && nested.some((other) => other.startsWith(`${name}/`) || name.startsWith(`${other}/`)))
        throw new Error('nested');
      if (operation === 'delete')
        for (const inside of [...this.objects.keys()]) if (inside.startsWith(`in/${name}/`)) this.objects.delete(inside);
    } else if (path.startsWith('in/') && !this.#hasMount(path)) throw new Error(`no mount for ${path}`);
    if (operation === 'delete') this.objects.delete(path);
    else if (path.startsWith('in/')) return this.#writeSecret(path, operation, data, values ?? []);
    else this.objects.set(path, path.startsWith('mounts/') ? { ...known, ...data, accessor: `${String(data.type)}_1` } : data);
    return null;
  }

  #hasMount(path: string): boolean {
    return [...this.objects.keys()].some((other) => other.startsWith('mounts/') && path.startsWith(`in/${other.slice(7)}/`));
  }

  #writeSecret(path: string, operation: string, data: JsonObject, places: readonly { at: string }[]): string | null {
    if (!path.endsWith('/data')) {
      this.objects.set(path, { ...this.objects.get(path), ...data });
      return null;
    }
    const secret = path.slice(0, -'/data'.length);
    const sent = data.data as JsonObject;
    const resolved = Object.fromEntries(
      Object.entries(sent).map(([name, source]) => [
        name,
        places.some(({ at }) => at === `/data/${name}`) ? this.#valueOf(source) : source,
      ]),
    );
    const known = without(this.objects.get(secret) ?? {}, 'deleted');
    const merged = { ...(operation === 'patch' ? this.values(secret) : {}), ...resolved };
    const values = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
    const mark = this.#nextMark();
    this.objects.set(secret, { ...known, values, mark });
    return mark;
  }

  #valueOf(source: Json): Json {
    if (!isJsonObject(source)) throw new Error('not a source');
    if (source.literal !== undefined) return source.literal;
    if (typeof source.sealed === 'string') return `opened ${source.sealed}`;
    if (source.generate !== undefined) return `generated ${(this.#generated += 1)}`;
    throw new Error('a local source must not reach the store');
  }

  #remount(from: string, to: string): null {
    for (const [path, object] of [...this.objects]) {
      const moved =
        path === `mounts/${from}`
          ? `mounts/${to}`
          : path.startsWith(`in/${from}/`)
            ? `in/${to}/${path.slice(from.length + 4)}`
            : null;
      if (moved === null) continue;
      this.objects.delete(path);
      this.objects.set(moved, object);
    }
    return null;
  }

  #nextMark(): string {
    return `v${(this.#marks += 1)}`;
  }
}

export function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([other]) => other !== name));
}
