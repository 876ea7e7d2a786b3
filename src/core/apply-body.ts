import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
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

/** The body of `sys/apply`, checked member by member: it comes from a client. Throws RequestError 400. */
export function readApplyBody(data: JsonObject): ApplyBody {
  return {
    project: text(data.project, 'project'),
    storeId: text(data.storeId, 'storeId'),
    base: count(data.base, 'base'),
    commit: text(data.commit, 'commit'),
    planDigest: text(data.planDigest, 'planDigest'),
    changes: list(data.changes, 'changes').map(readChange),
  };
}

function readChange(value: Json, index: number): ApplyChange {
  const at = `changes[${index}]`;
  const change = object(value, at);
  const action = text(change.action, `${at}.action`);
  if (!actions.includes(action)) throw badRequest(`${at}.action is none of ${actions.join(', ')}`);
  const record = change.record === null ? null : object(change.record, `${at}.record`);
  return {
    address: address(change.address, `${at}.address`),
    action: action as ChangeAction,
    ...(change.from === undefined ? {} : { from: address(change.from, `${at}.from`) }),
    reads: list(change.reads, `${at}.reads`).map((read, number) => readRead(read, `${at}.reads[${number}]`)),
    seen: text(change.seen, `${at}.seen`),
    requests: list(change.requests, `${at}.requests`).map((request, number) => readRequest(request, `${at}.requests[${number}]`)),
    record:
      record === null
        ? null
        : {
            spec: object(record.spec, `${at}.record.spec`),
            labels: labels(record.labels, `${at}.record.labels`),
            protect: record.protect === true,
          },
    ...(change.mark === undefined ? {} : { mark: change.mark === null ? null : text(change.mark, `${at}.mark`) }),
  };
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
          return { at: text(value.at, `${at}.values[${number}].at`), field: text(value.field, `${at}.values[${number}].field`) };
        });
  const data = object(request.data ?? {}, `${at}.data`);
  return values === undefined ? { operation, path, data } : { operation, path, data, values };
}

export function address(value: Json | undefined, at: string): ManagedAddress {
  const named = object(value, at);
  return {
    kind: text(named.kind, `${at}.kind`),
    mount: named.mount === null ? null : text(named.mount, `${at}.mount`),
    name: text(named.name, `${at}.name`),
  };
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

function count(value: Json | undefined, at: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw badRequest(`${at} must be a whole number`);
  return value;
}
