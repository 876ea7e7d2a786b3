import { givingWay } from '../base/giving-way.ts';
import { isJsonObject, type Json, type JsonObject, nestsAtMost } from '../base/json.ts';
import { isCanonicalPath, isIdentifier, isMountPath } from '../base/name.ts';
import type { ApplyBody, ApplyChange, ApplyRequest, ChangeAction, ManagedAddress } from '../protocol/managed.ts';
import { badRequest } from '../protocol/request-error.ts';

const actions: readonly string[] = [
  'create',
  'update',
  'replace',
  'delete',
  'import',
  'move',
  'forget',
  'record',
] satisfies ChangeAction[];

// A plan's own values are far below; what is longer would stand in the audit log and in every record.
const maxTextLength = 256;
const maxPointerLength = 2048;
const maxSpecDepth = 64;

/** The body of `sys/apply`, checked member by member: it comes from a client. Throws RequestError 400. */
export async function readApplyBody(data: JsonObject): Promise<ApplyBody> {
  const about = {
    project: shortText(data.project, 'project'),
    storeId: shortText(data.storeId, 'storeId'),
    base: count(data.base, 'base'),
    commit: shortText(data.commit, 'commit'),
    planDigest: shortText(data.planDigest, 'planDigest'),
    ...(data.skipVerify === undefined ? {} : { skipVerify: flag(data.skipVerify, 'skipVerify') }),
    ...(data.lock === undefined ? {} : { lock: shortText(data.lock, 'lock') }),
  };
  const giveWay = givingWay(200);
  const changes: ApplyChange[] = [];
  for (const [index, change] of list(data.changes, 'changes').entries()) {
    changes.push(readChange(change, index));
    await giveWay();
  }
  return { ...about, changes };
}

function readChange(value: Json, index: number): ApplyChange {
  const at = `changes[${index}]`;
  const change = object(value, at);
  const action = text(change.action, `${at}.action`);
  if (!actions.includes(action)) throw badRequest(`${at}.action is none of ${actions.join(', ')}`);
  const read: ApplyChange = {
    address: address(change.address, `${at}.address`),
    action: action as ChangeAction,
    ...(change.from === undefined ? {} : { from: address(change.from, `${at}.from`) }),
    reads: list(change.reads, `${at}.reads`).map((read, number) => readRead(read, `${at}.reads[${number}]`)),
    seen: shortText(change.seen, `${at}.seen`),
    requests: list(change.requests, `${at}.requests`).map((request, number) => readRequest(request, `${at}.requests[${number}]`)),
    record: change.record === null ? null : readRecord(change.record, `${at}.record`),
    ...(change.mark === undefined ? {} : { mark: change.mark === null ? null : shortText(change.mark, `${at}.mark`) }),
  };
  checkAction(read, at);
  return read;
}

function readRecord(value: Json | undefined, at: string): ApplyChange['record'] {
  const record = object(value, at);
  const spec = object(record.spec, `${at}.spec`);
  if (!nestsAtMost(spec, maxSpecDepth)) throw badRequest(`${at}.spec is nested more than ${maxSpecDepth} levels deep`);
  return { spec, labels: labels(record.labels, `${at}.labels`), protect: record.protect === true };
}

/** What an action means: otherwise one could do what another one is refused for. */
function checkAction({ action, requests, record }: ApplyChange, at: string): void {
  const removes = action === 'delete' || action === 'forget';
  if (removes !== (record === null)) {
    throw badRequest(`${at}: a change of the action ${action} ${removes ? 'leaves no record' : 'keeps a record'}`);
  }
  if ((action === 'forget' || action === 'record') && requests.length > 0) {
    throw badRequest(`${at}: a change of the action ${action} touches nothing but the record`);
  }
}

export function readRead(value: Json, at: string): { operation: 'read' | 'list'; path: string } {
  const read = object(value, at);
  if (read.operation !== 'read' && read.operation !== 'list') throw badRequest(`${at}.operation must be read or list`);
  return { operation: read.operation, path: text(read.path, `${at}.path`) };
}

function readRequest(value: Json, at: string): ApplyRequest {
  const request = object(value, at);
  const { operation } = request;
  if (operation !== 'write' && operation !== 'patch' && operation !== 'delete')
    throw badRequest(`${at}.operation must be write, patch or delete`);
  const path = text(request.path, `${at}.path`);
  if (path === 'sys/apply') throw badRequest(`${at}: an apply holds no apply`);
  const values =
    request.values === undefined
      ? undefined
      : list(request.values, `${at}.values`).map((item, number) => {
          const value = object(item, `${at}.values[${number}]`);
          return {
            at: pointer(value.at, `${at}.values[${number}].at`),
            field: text(value.field, `${at}.values[${number}].field`),
          };
        });
  const data = object(request.data ?? {}, `${at}.data`);
  return values === undefined ? { operation, path, data } : { operation, path, data, values };
}

/** An address in canonical form: it names a record, and policies name its path. */
export function address(value: Json | undefined, at: string): ManagedAddress {
  const named = object(value, at);
  const kind = text(named.kind, `${at}.kind`);
  const mount = named.mount === null ? null : text(named.mount, `${at}.mount`);
  const name = text(named.name, `${at}.name`);
  if (!isIdentifier(kind)) throw badRequest(`${at}.kind is no kind`);
  if (mount !== null && !isMountPath(mount)) throw badRequest(`${at}.mount is no path of a mount`);
  if (!isCanonicalPath(name) || name.endsWith('/')) throw badRequest(`${at}.name is not canonical`);
  return { kind, mount, name };
}

function labels(value: Json | undefined, at: string): Readonly<Record<string, string>> {
  const sent = object(value ?? {}, at);
  for (const [key, label] of Object.entries(sent))
    if (typeof label !== 'string') throw badRequest(`${at}.${key} must be a string`);
  return sent as Readonly<Record<string, string>>;
}

function object(value: Json | undefined, at: string): JsonObject {
  if (!isJsonObject(value)) throw badRequest(`${at} must be an object`);
  return value;
}

export function list(value: Json | undefined, at: string): readonly Json[] {
  if (!Array.isArray(value)) throw badRequest(`${at} must be a list`);
  return value as readonly Json[];
}

export function text(value: Json | undefined, at: string): string {
  if (typeof value !== 'string' || value === '') throw badRequest(`${at} must be a string`);
  return value;
}

function shortText(value: Json | undefined, at: string): string {
  const found = text(value, at);
  if (found.length > maxTextLength) throw badRequest(`${at} is longer than ${maxTextLength} characters`);
  return found;
}

/** A JSON pointer to something inside. */
function pointer(value: Json | undefined, at: string): string {
  const found = text(value, at);
  if (!found.startsWith('/') || found.length > maxPointerLength) throw badRequest(`${at} must be a JSON pointer`);
  return found;
}

function flag(value: Json | undefined, at: string): boolean {
  if (typeof value === 'boolean') return value;
  throw badRequest(`${at} must be true or false`);
}

function count(value: Json | undefined, at: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw badRequest(`${at} must be a whole number`);
  return value;
}
