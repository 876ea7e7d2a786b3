import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { mountRoute } from '../core/mount-index.ts';
import type { RouteContext } from '../core/mount-type.ts';
import { methodAt } from './asking.ts';
import type { Alias } from './records.ts';

/** An alias as the API shows it inside its entity or group. */
export function shownAlias(context: RouteContext, owner: string, alias: Alias): JsonObject {
  return {
    id: alias.id,
    canonical_id: owner,
    name: alias.name,
    mount_accessor: alias.mountAccessor,
    ...shownAliasMount(context, alias.mountAccessor),
    metadata: alias.metadata,
    custom_metadata: alias.customMetadata,
    merged_from_canonical_ids: alias.mergedFrom.length === 0 ? null : alias.mergedFrom,
    local: false,
    creation_time: instantText(alias.createdAt),
    last_update_time: instantText(alias.updatedAt),
  };
}

/** What a list of entities or groups tells of their aliases. */
export function shownAliasName(context: RouteContext, { id, name, mountAccessor }: Alias): JsonObject {
  return { id, name, mount_accessor: mountAccessor, ...shownAliasMount(context, mountAccessor) };
}

/** The type and path of its auth method; nothing where that is gone. */
function shownAliasMount(context: RouteContext, accessor: string): JsonObject {
  const mount = methodAt(context, accessor);
  return mount === null ? {} : { mount_type: mount.type, mount_path: `${mountRoute(mount)}/` };
}

/** What a list of aliases tells of each. */
export function shownAliasInfo(context: RouteContext, owner: string, alias: Alias): JsonObject {
  return {
    name: alias.name,
    canonical_id: owner,
    mount_accessor: alias.mountAccessor,
    ...shownAliasMount(context, alias.mountAccessor),
    metadata: alias.metadata,
    custom_metadata: alias.customMetadata,
    local: false,
  };
}
