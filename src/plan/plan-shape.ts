import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import type { LensRead } from '../kinds/kind.ts';
import type { ApplyRequest, ManagedAddress } from '../protocol/managed.ts';
import type { ChangeReason, Drift, Plan, PlanChange, PlanMode, SecretField, ShownObject } from './plan.ts';
import type { PlanNote } from './problem.ts';

/**
 * A plan read from JSON, member by member: a file may come from anywhere. Throws a TypeError that says which member is
 * not as it must be, and quotes nothing.
 */
export function readPlan(value: Json): Plan {
  const plan = object(value, 'plan');
  if (list(plan['problems'], 'problems').length > 0) throw new TypeError('a saved plan has no problems');
  return {
    project: text(plan['project'], 'project'),
    environment: nullable(plan['environment'], 'environment', text),
    commit: text(plan['commit'], 'commit'),
    storeId: text(plan['storeId'], 'storeId'),
    revision: count(plan['revision'], 'revision'),
    mode: oneOf(plan['mode'], 'mode', modes),
    targets: each(plan['targets'], 'targets', text),
    changes: each(plan['changes'], 'changes', readChange),
    drift: each(plan['drift'], 'drift', readDrift),
    unchanged: each(plan['unchanged'], 'unchanged', readAddress),
    unmanaged: each(plan['unmanaged'], 'unmanaged', readAddress),
    notes: each(plan['notes'], 'notes', readNote),
    problems: [],
  };
}

const modes: readonly PlanMode[] = ['normal', 'destroy', 'refresh-only'];
const actions: readonly PlanChange['action'][] = ['create', 'update', 'replace', 'delete', 'import', 'move', 'forget', 'record'];
const reasons: readonly ChangeReason[] = ['deleted-outside', 'not-declared', 'cannot-update', 'requested', 'with-mount'];

function readChange(value: Json, at: string): PlanChange {
  const change = object(value, at);
  const member = <T>(name: string, read: (value: Json, at: string) => T): T =>
    read(present(change[name], `${at}.${name}`), `${at}.${name}`);
  const maybe = <T>(name: string, read: (value: Json, at: string) => T): T | null =>
    nullable(change[name], `${at}.${name}`, read);
  const action = member('action', (value, where) => oneOf(value, where, actions));
  const after = maybe('after', readShown);
  if (after === null && action !== 'delete' && action !== 'forget') throw new TypeError(`${at}.after is missing`);
  return {
    address: member('address', readAddress),
    action,
    from: maybe('from', readAddress),
    importId: maybe('importId', text),
    silent: member('silent', flag),
    modifies: member('modifies', flag),
    reason: maybe('reason', (value, where) => oneOf(value, where, reasons)),
    before: maybe('before', readShown),
    after,
    unknown: member('unknown', texts),
    secrets: member('secrets', readSecrets),
    replacePaths: member('replacePaths', texts),
    consequences: member('consequences', texts),
    reads: member('reads', (value, where) => each(value, where, readRead)),
    seen: member('seen', text),
    requests: member('requests', (value, where) => each(value, where, readRequest)),
    ...(change['mark'] === undefined ? {} : { mark: nullable(change['mark'], `${at}.mark`, text) }),
  };
}

function readDrift(value: Json, at: string): Drift {
  const drift = object(value, at);
  const by = drift['by'] === undefined ? undefined : object(drift['by'], `${at}.by`);
  return {
    address: readAddress(present(drift['address'], at), `${at}.address`),
    action: oneOf(drift['action'], `${at}.action`, ['update', 'delete'] as const),
    before: readShown(present(drift['before'], at), `${at}.before`),
    after: nullable(drift['after'], `${at}.after`, readShown),
    secrets: readSecrets(present(drift['secrets'], at), `${at}.secrets`),
    relevant: flag(drift['relevant'], `${at}.relevant`),
    ...(by === undefined ? {} : { by: { who: text(by['who'], `${at}.by.who`), at: text(by['at'], `${at}.by.at`) } }),
  };
}

function readAddress(value: Json, at: string): ManagedAddress {
  const address = object(value, at);
  return {
    kind: text(address['kind'], `${at}.kind`),
    mount: nullable(address['mount'], `${at}.mount`, text),
    name: text(address['name'], `${at}.name`),
  };
}

function readShown(value: Json, at: string): ShownObject {
  const shown = object(value, at);
  const labels = object(shown['labels'], `${at}.labels`);
  return {
    spec: object(shown['spec'], `${at}.spec`),
    labels: Object.fromEntries(Object.entries(labels).map(([name, label]) => [name, text(label, `${at}.labels`)])),
    protect: flag(shown['protect'], `${at}.protect`),
  };
}

function readSecrets(value: Json, at: string): readonly SecretField[] {
  return each(value, at, (item, where) => {
    const secret = object(item, where);
    return {
      at: pointer(secret['at'], `${where}.at`),
      state: oneOf(secret['state'], `${where}.state`, ['changed', 'unchanged'] as const),
    };
  });
}

function readRead(value: Json, at: string): LensRead {
  const read = object(value, at);
  return {
    operation: oneOf(read['operation'], `${at}.operation`, ['read', 'list'] as const),
    path: text(read['path'], `${at}.path`),
  };
}

function readRequest(value: Json, at: string): ApplyRequest {
  const request = object(value, at);
  return {
    operation: oneOf(request['operation'], `${at}.operation`, ['write', 'patch', 'delete'] as const),
    path: text(request['path'], `${at}.path`),
    data: object(request['data'], `${at}.data`),
    ...(request['values'] === undefined ? {} : { values: each(request['values'], `${at}.values`, readValue) }),
  };
}

function readValue(value: Json, at: string): { readonly at: string; readonly field: string } {
  const place = object(value, at);
  return { at: pointer(place['at'], `${at}.at`), field: text(place['field'], `${at}.field`) };
}

function readNote(value: Json, at: string): PlanNote {
  const note = object(value, at);
  return { summary: text(note['summary'], `${at}.summary`), detail: text(note['detail'], `${at}.detail`) };
}

function present(value: Json | undefined, at: string): Json {
  if (value === undefined) throw new TypeError(`${at} is missing`);
  return value;
}

function object(value: Json | undefined, at: string): JsonObject {
  if (!isJsonObject(value)) throw new TypeError(`${at} must be an object`);
  return value;
}

function list(value: Json | undefined, at: string): readonly Json[] {
  if (!Array.isArray(value)) throw new TypeError(`${at} must be a list`);
  return value as readonly Json[];
}

function each<T>(value: Json | undefined, at: string, read: (value: Json, at: string) => T): readonly T[] {
  return list(value, at).map((item, index) => read(item, `${at}[${index}]`));
}

function text(value: Json | undefined, at: string): string {
  if (typeof value !== 'string') throw new TypeError(`${at} must be a text`);
  return value;
}

function texts(value: Json | undefined, at: string): readonly string[] {
  return each(value, at, text);
}

function pointer(value: Json | undefined, at: string): string {
  const found = text(value, at);
  if (found !== '' && !found.startsWith('/')) throw new TypeError(`${at} must be a JSON pointer`);
  return found;
}

function flag(value: Json | undefined, at: string): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${at} must be true or false`);
  return value;
}

function count(value: Json | undefined, at: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new TypeError(`${at} must be a whole number`);
  return value;
}

function oneOf<T extends string>(value: Json | undefined, at: string, known: readonly T[]): T {
  const found = known.find((item) => item === value);
  if (found === undefined) throw new TypeError(`${at} must be one of ${known.join(', ')}`);
  return found;
}

function nullable<T>(value: Json | undefined, at: string, read: (value: Json, at: string) => T): T | null {
  return present(value, at) === null ? null : read(value ?? null, at);
}
