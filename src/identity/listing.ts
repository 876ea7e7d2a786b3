import { givingWay } from '../base/giving-way.ts';
import type { JsonObject } from '../base/json.ts';
import type { OperationSpec, RouteContext } from '../core/mount-type.ts';
import { pageFields, readPage } from '../protocol/page.ts';
import { notFound } from '../protocol/request-error.ts';
import { recordsOf } from './asking.ts';
import type { IdentityFolder, IdentityKind, IdentityRecord, IdentityRecords } from './records.ts';

/** What a list tells of what it names, besides the name. */
interface Told {
  /** Under which id it stands in `key_info`. */
  readonly id: string;
  readonly info: JsonObject;
}

/** A list operation over a folder of ids or names; `tell` looks up each. Answers 404 where there are none. */
export function listOperation(
  summary: string,
  folder: IdentityFolder,
  tell: (context: RouteContext, records: IdentityRecords, key: string) => Promise<Told | null>,
): OperationSpec {
  return {
    summary,
    fields: pageFields,
    async handle(context) {
      const records = recordsOf(context);
      const keys = await records.list(folder, readPage(context.data));
      if (keys.length === 0) throw notFound();
      const info: Record<string, JsonObject> = {};
      const giveWay = givingWay(64);
      for (const key of keys) {
        await giveWay();
        const told = await tell(context, records, key);
        if (told !== null) info[told.id] = told.info;
      }
      return { data: { keys, key_info: info } };
    },
  };
}

/** The lists of the entities, or of the groups: that of their ids and that of their names. */
export function listOperations<K extends IdentityKind>(
  kind: K,
  infoOf: (context: RouteContext, records: IdentityRecords, found: IdentityRecord<K>) => Promise<JsonObject>,
): { readonly byId: OperationSpec; readonly byName: OperationSpec } {
  const told = async (context: RouteContext, records: IdentityRecords, found: IdentityRecord<K> | null): Promise<Told | null> =>
    found === null ? null : { id: found.id, info: await infoOf(context, records, found) };
  return {
    byId: listOperation('Lists their ids.', kind, async (context, records, key) =>
      told(context, records, await records.get(kind, key)),
    ),
    byName: listOperation('Lists their names.', `${kind}-name`, async (context, records, key) =>
      told(context, records, await records.byName(kind, key)),
    ),
  };
}
