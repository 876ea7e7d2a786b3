import { goDuration } from '../../base/duration.ts';
import type { View } from '../../barrier/view.ts';
import type { Route, RouteContext } from '../../core/mount-type.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest } from '../../protocol/request-error.ts';

/** What holds for every secret of a KV 2 mount. */
export interface KvConfig {
  /** 0: not set. */
  readonly maxVersions: number;
  readonly casRequired: boolean;
  /** Seconds; 0: not set; -1: no version of this mount is deleted by age, whatever the secret says. */
  readonly deleteVersionAfter: number;
}

const record = 'config';
const defaults: KvConfig = { maxVersions: 0, casRequired: false, deleteVersionAfter: 0 };

// A limit of versions is a 32-bit number and a duration fits in 64 bits of nanoseconds in the Vault API.
const maxMaxVersions = 2 ** 32 - 1;
export const maxDuration = 9_223_372_036;

/** The fields that a mount and a secret share; a secret's override or tighten the mount's. */
export const limitFields = {
  max_versions: {
    type: 'int',
    description: "How many versions to keep; the greater of the mount's and the secret's counts, 10 where neither is set.",
  },
  cas_required: {
    type: 'bool',
    description: 'Refuse writes that do not carry the cas option; enough if the mount or the secret says so.',
  },
  delete_version_after: {
    type: 'duration',
    description: "After which time a new version is deleted; the shorter of the mount's and the secret's counts.",
  },
} as const satisfies Fields;

export const configRoute: Route = {
  path: 'config',
  summary: 'What holds for every secret of the mount',
  operations: {
    read: { summary: 'Read the settings of the mount', handle: read },
    write: { summary: 'Change the settings of the mount', fields: limitFields, configures: true, handle: write },
  },
};

export async function loadConfig(view: View): Promise<KvConfig> {
  return (await view.getJson<KvConfig>(record)) ?? defaults;
}

/** The limits of a body, checked; a member is undefined where the body does not set it. Throws RequestError 400. */
export function readLimits(data: RouteContext['data']): { readonly [K in keyof KvConfig]: KvConfig[K] | undefined } {
  const {
    max_versions: maxVersions,
    cas_required: casRequired,
    delete_version_after: deleteVersionAfter,
  } = readFields(limitFields, data);
  if (maxVersions !== undefined && (maxVersions < 0 || maxVersions > maxMaxVersions)) {
    throw badRequest(`max_versions must be between 0 and ${maxMaxVersions}`);
  }
  if (deleteVersionAfter !== undefined && deleteVersionAfter > maxDuration) throw badRequest('delete_version_after is too long');
  return { maxVersions, casRequired, deleteVersionAfter };
}

async function read(context: RouteContext): Promise<Reply> {
  const config = await loadConfig(context.storage);
  return {
    data: {
      max_versions: config.maxVersions,
      cas_required: config.casRequired,
      delete_version_after: goDuration(config.deleteVersionAfter),
    },
  };
}

async function write(context: RouteContext): Promise<Reply> {
  const { maxVersions, casRequired, deleteVersionAfter } = readLimits(context.data);
  if (maxVersions === undefined && casRequired === undefined && deleteVersionAfter === undefined) return noContent;
  const config = await loadConfig(context.storage);
  await context.storage.putJson(record, {
    maxVersions: maxVersions ?? config.maxVersions,
    casRequired: casRequired ?? config.casRequired,
    deleteVersionAfter: Math.max(deleteVersionAfter ?? config.deleteVersionAfter, -1),
  } satisfies KvConfig);
  return noContent;
}
