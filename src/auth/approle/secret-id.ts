import { cidrsWithin } from '../../base/cidr.ts';
import { instantText } from '../../base/instant.ts';
import type { JsonObject } from '../../base/json.ts';
import { randomUuid } from '../../base/random.ts';
import { systemLeaseTtl, type Route, type RouteContext } from '../../core/mount-type.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import { pageFields, readPage } from '../../protocol/page.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, notFound, RequestError } from '../../protocol/request-error.ts';
import { readCidrs } from '../../token/role.ts';
import { type MountHash, mountHash } from './key.ts';
import { readMetadata } from './metadata.ts';
import { type AppRole, readRole } from './role.ts';
import { type SecretIdRecord, SecretIdRecords } from './secret-id-records.ts';

const generateFields = {
  metadata: {
    type: 'string',
    description:
      'The metadata of the tokens: a JSON object of strings as text, or `name=value,name=value`; either may be in base64.',
    default: '',
  },
  cidr_list: {
    type: 'strings',
    description: 'The addresses from which one may log in with it; within those of the role.',
    default: [],
  },
  token_bound_cidrs: {
    type: 'strings',
    description: 'The addresses from which its tokens work; within those of the role.',
    default: [],
  },
  num_uses: { type: 'int', description: 'How often it may be used, at most what the role says; 0: without limit.' },
  ttl: { type: 'duration', description: 'How long it lives, at most what the role says.' },
} as const satisfies Fields;
const customFields = {
  ...generateFields,
  secret_id: { type: 'string', description: 'The secret id, instead of a random one.', default: '' },
} as const satisfies Fields;
const idField = { secret_id: { type: 'string', description: 'The secret id.', default: '' } } as const satisfies Fields;
const accessorField = {
  secret_id_accessor: { type: 'string', description: 'The accessor of the secret id.', default: '' },
} as const satisfies Fields;

const maxSecretIdLength = 4096;
/** How many are read at a time. */
const pageSize = 1000;

/** The secret ids of a role. */
export const secretIdRoutes: readonly Route[] = [
  {
    path: 'role/:role/secret-id',
    summary: 'The secret ids of a role.',
    operations: {
      list: { summary: 'Lists their accessors, in an order without meaning.', fields: pageFields, handle: list },
      write: {
        summary: 'Makes a random one; this reply is the only place where it is shown.',
        fields: generateFields,
        handle: async (context) => make(context, randomUuid(context.random)),
      },
    },
  },
  {
    path: 'role/:role/custom-secret-id',
    summary: 'A secret id of one’s own choosing, which can be guessed as well as any password.',
    operations: {
      write: {
        summary: 'Makes it.',
        fields: customFields,
        handle: async (context) => {
          const { secret_id: secretId } = readFields(customFields, context.data);
          if (secretId === '') throw badRequest('missing secret_id');
          if (secretId.length > maxSecretIdLength) throw badRequest(`value is longer than maximum of ${maxSecretIdLength} bytes`);
          if (secretId.trim() !== secretId) {
            throw badRequest('secret_id begins or ends with white space, which a login takes away');
          }
          return make(context, secretId);
        },
      },
    },
  },
  {
    path: 'role/:role/secret-id/lookup',
    summary: 'What a secret id is.',
    operations: { write: { summary: 'Describes it.', fields: idField, handle: lookupById } },
  },
  {
    path: 'role/:role/secret-id/destroy',
    summary: 'The end of a secret id.',
    operations: {
      write: { summary: 'Destroys it.', fields: idField, handle: destroyById },
      delete: { summary: 'Destroys it.', fields: idField, handle: destroyById },
    },
  },
  {
    path: 'role/:role/secret-id-accessor/lookup',
    summary: 'What the secret id of an accessor is.',
    operations: { write: { summary: 'Describes it.', fields: accessorField, handle: lookupByAccessor } },
  },
  {
    path: 'role/:role/secret-id-accessor/destroy',
    summary: 'The end of the secret id of an accessor.',
    operations: {
      write: { summary: 'Destroys it.', fields: accessorField, handle: destroyByAccessor },
      delete: { summary: 'Destroys it.', fields: accessorField, handle: destroyByAccessor },
    },
  },
];

/** The role, its secret ids and their names, as each handler needs them. */
interface Desk {
  readonly role: AppRole;
  readonly records: SecretIdRecords;
  readonly hash: MountHash;
}

/** Throws RequestError where there is no such role, with a status that is another one for lists. */
async function desk(context: RouteContext, missing: 400 | 404 = 404): Promise<Desk> {
  const role = await readRole(context);
  if (role === null) throw new RequestError(missing, `role "${context.params['role'] ?? ''}" does not exist`);
  return { role, records: new SecretIdRecords(context.storage, role.uid), hash: await mountHash(context.storage) };
}

async function make(context: RouteContext, secretId: string): Promise<Reply> {
  const { role, records, hash } = await desk(context);
  if (!role.bindSecretId) throw badRequest('bind_secret_id is not set on the role');
  const body = readFields(generateFields, context.data);
  const cidrs = within('cidr_list', body.cidr_list, role.secretIdBoundCidrs);
  const tokenCidrs = within('token_bound_cidrs', body.token_bound_cidrs, role.token.boundCidrs);
  const numUses = body.num_uses ?? role.secretIdNumUses;
  if (numUses < 0) throw badRequest('num_uses cannot be negative');
  if (exceeds(numUses, role.secretIdNumUses)) throw badRequest("num_uses cannot be higher than the role's secret_id_num_uses");
  const ttl = body.ttl ?? role.secretIdTtl;
  if (ttl < 0) throw badRequest('ttl cannot be negative');
  if (exceeds(ttl, role.secretIdTtl)) throw badRequest("ttl cannot be longer than the role's secret_id_ttl");
  // Nothing of a mount outlives its maximum, unless it does not end at all.
  const granted = Math.min(ttl, context.mount.config.maxLeaseTtl || systemLeaseTtl);

  const idHash = hash.secretId(role.uid, secretId);
  const known = await records.get(idHash);
  if (known !== null) {
    if (!isOver(known, context.now)) throw badRequest('failed to store secret_id: SecretID is already registered');
    await records.remove(idHash, hash.accessor(role.uid, known.accessor), known);
  }
  const accessor = randomUuid(context.random);
  await records.add(idHash, hash.accessor(role.uid, accessor), {
    accessor,
    usesLeft: numUses,
    ttl,
    metadata: readMetadata(body.metadata),
    cidrs,
    tokenCidrs,
    createdAt: context.now,
    updatedAt: context.now,
    expiresAt: granted === 0 ? null : context.now + granted * 1000,
  });
  return {
    data: { secret_id: secretId, secret_id_accessor: accessor, secret_id_ttl: granted, secret_id_num_uses: numUses },
  };
}

async function list(context: RouteContext): Promise<Reply> {
  const { after = '', limit: wanted = Number.POSITIVE_INFINITY } = readPage(context.data);
  const { role, records, hash } = await desk(context, 400);
  const keys: string[] = [];
  let last = after === '' ? '' : hash.accessor(role.uid, after);
  while (keys.length < wanted) {
    // What is past its time does not count, so there may be more to read than are wanted.
    const page = await records.accessors(last, Math.min(pageSize, wanted - keys.length));
    for (const accessorHash of page) {
      const idHash = await records.idOfAccessor(accessorHash);
      const record = idHash === null ? null : await records.get(idHash);
      if (record !== null && !isOver(record, context.now)) keys.push(record.accessor);
    }
    last = page.at(-1) ?? '';
    if (page.length === 0) break;
  }
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

async function lookupById(context: RouteContext): Promise<Reply> {
  const { secret_id: secretId } = readFields(idField, context.data);
  if (secretId === '') throw badRequest('missing secret_id');
  const { role, records, hash } = await desk(context);
  const record = await records.get(hash.secretId(role.uid, secretId));
  return record === null || isOver(record, context.now) ? noContent : { data: shown(record) };
}

async function destroyById(context: RouteContext): Promise<Reply> {
  const { secret_id: secretId } = readFields(idField, context.data);
  if (secretId === '') throw badRequest('missing secret_id');
  const { role, records, hash } = await desk(context);
  const idHash = hash.secretId(role.uid, secretId);
  const record = await records.get(idHash);
  if (record !== null) await records.remove(idHash, hash.accessor(role.uid, record.accessor), record);
  return noContent;
}

async function lookupByAccessor(context: RouteContext): Promise<Reply> {
  const { record } = await byAccessor(context);
  return { data: shown(record) };
}

async function destroyByAccessor(context: RouteContext): Promise<Reply> {
  const { records, idHash, accessorHash, record } = await byAccessor(context);
  await records.remove(idHash, accessorHash, record);
  return noContent;
}

/** An accessor leads to a secret id of the role in the path and of no other one. */
async function byAccessor(context: RouteContext) {
  const { secret_id_accessor: accessor } = readFields(accessorField, context.data);
  if (accessor === '') throw badRequest('missing secret_id_accessor');
  const { role, records, hash } = await desk(context);
  const accessorHash = hash.accessor(role.uid, accessor);
  const idHash = await records.idOfAccessor(accessorHash);
  const record = idHash === null ? null : await records.get(idHash);
  if (idHash === null || record === null || isOver(record, context.now)) {
    throw new RequestError(404, 'failed to find accessor entry for secret_id_accessor');
  }
  return { records, idHash, accessorHash, record };
}

function isOver(record: SecretIdRecord, now: number): boolean {
  return record.expiresAt !== null && record.expiresAt <= now;
}

/** 0 stands for no limit, so it exceeds every limit. */
function exceeds(wanted: number, limit: number): boolean {
  return limit > 0 && (wanted === 0 || wanted > limit);
}

function within(field: string, blocks: readonly string[], outer: readonly string[]): readonly string[] {
  const read = readCidrs(field, blocks);
  if (outer.length > 0 && !cidrsWithin(read, outer)) {
    throw badRequest(`failed to verify subset relationship between CIDR blocks on the role and those of ${field}`);
  }
  return read;
}

function shown(record: SecretIdRecord): JsonObject {
  return {
    secret_id_accessor: record.accessor,
    secret_id_num_uses: record.usesLeft,
    secret_id_ttl: record.ttl,
    creation_time: instantText(record.createdAt),
    // Go's zero time stands for "never".
    expiration_time: record.expiresAt === null ? '0001-01-01T00:00:00Z' : instantText(record.expiresAt),
    last_updated_time: instantText(record.updatedAt),
    metadata: record.metadata,
    cidr_list: record.cidrs,
    token_bound_cidrs: record.tokenCidrs,
  };
}
