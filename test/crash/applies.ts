import type { JsonObject } from '../../src/base/json.ts';
import { sealValue } from '../../src/crypto/sealed-value.ts';
import { addressText, type ApplyRequest, type ManagedAddress } from '../../src/protocol/managed.ts';
import type { Act } from './act.ts';
import type { PlannedChange } from './job.ts';
import { written, type Changes, type Kv2, type Registers } from './registers.ts';

/** Who applies to which store. */
export interface Applier {
  readonly project: string;
  readonly recipient: string;
  readonly rootToken: string;
  /** May apply and read everything, but not write the policy that every apply writes first. */
  readonly limitedToken: string;
}

/**
 * `put`: all objects of the project come to the same generation. `drop`: all but two go. `swap`: the mount is destroyed
 * and made anew with its secret. The others are refused: for a policy that does not parse, a sealed block that belongs
 * elsewhere, a plan of an earlier revision, a body that is none, a request that the token may not send.
 */
export type ApplySort = 'put' | 'drop' | 'swap' | (typeof refusedSorts)[number];
export const refusedSorts = ['syntax', 'binding', 'stale', 'malformed', 'denied'] as const;

export const generatedMark = '(generated)';
const generated = { length: 24, charset: 'hex' };

/** An apply of several objects of a project, each of which carries the call's id afterwards. */
export async function applyAct(id: number, applier: Applier, sort: ApplySort, ahead: 0 | 1 = 0): Promise<Act> {
  const { project } = applier;
  const refused = (refusedSorts as readonly string[]).includes(sort);
  const planDigest = `sha256:plan-of-${id}`;
  const note = sort === 'malformed' ? `note-of-${id}` : planDigest;
  return {
    call: {
      id,
      apply: {
        project,
        commit: `commit-${id}`,
        planDigest,
        ahead: sort === 'stale' ? -1 : ahead,
        changes: [
          policy(applier, 'a', id, sort !== 'drop'),
          mount(project, '2', id, sort),
          mount(`${project}-plain`, '1', id, 'put'),
          await secret(applier, '2', id, sort),
          await secret(applier, '1', id, sort),
          policy(applier, 'marker', id, true),
          ...(sort === 'syntax' ? [brokenPolicy(project)] : []),
        ],
        malformed: sort === 'malformed' ? { changes: 'none', note } : {},
        token: sort === 'denied' ? applier.limitedToken : applier.rootToken,
      },
    },
    stages: refused ? [] : [(state) => effect(state, project, id, sort)],
    expected: refused ? 'refused' : 'either',
    configures: !refused,
    note,
    shared: null,
  };
}

const addressOf = (kind: string, mountPath: string | null, name: string): ManagedAddress => ({ kind, mount: mountPath, name });
const recordOf = (id: number) => ({ spec: { generation: id }, labels: {}, protect: false });
const policyText = (id: number) => `# ${id}\npath "red/data/*" { capabilities = ["read"] }`;
const mountDescription = (id: number) => `made by ${id}`;
const fixedValue = (id: number) => `fixed of ${id}`;
/** What the block sealed: must stand in no audit line. */
const sealedText = (id: number) => `sealed of ${id}`;

function policy({ project }: Applier, name: string, id: number, kept: boolean): PlannedChange {
  const path = `sys/policies/acl/${project}-${name}`;
  const write: ApplyRequest[] = [{ operation: 'write', path, data: { policy: policyText(id) } }];
  return {
    address: addressOf('Policy', null, `${project}-${name}`),
    reads: [{ operation: 'read', path }],
    absent: kept ? write : null,
    present: kept ? write : [{ operation: 'delete', path, data: {} }],
    record: kept ? recordOf(id) : null,
  };
}

function brokenPolicy(project: string): PlannedChange {
  const path = `sys/policies/acl/${project}-broken`;
  const requests: ApplyRequest[] = [{ operation: 'write', path, data: { policy: 'path {' } }];
  return {
    address: addressOf('Policy', null, `${project}-broken`),
    reads: [{ operation: 'read', path }],
    absent: requests,
    present: requests,
    record: recordOf(0),
  };
}

function mount(path: string, version: string, id: number, sort: ApplySort): PlannedChange {
  const at = `sys/mounts/${path}`;
  const description = mountDescription(id);
  const enable: ApplyRequest = { operation: 'write', path: at, data: { type: 'kv', description, options: { version } } };
  const disable: ApplyRequest = { operation: 'delete', path: at, data: {} };
  const tune: ApplyRequest = { operation: 'write', path: `${at}/tune`, data: { description } };
  return {
    address: addressOf('SecretEngine', null, path),
    reads: [{ operation: 'read', path: at }],
    absent: sort === 'drop' ? null : [enable],
    present: sort === 'drop' ? [disable] : sort === 'swap' ? [disable, enable] : [tune],
    record: sort === 'drop' ? null : recordOf(id),
  };
}

async function secret(applier: Applier, version: '1' | '2', id: number, sort: ApplySort): Promise<PlannedChange> {
  const mountPath = version === '2' ? applier.project : `${applier.project}-plain`;
  const address = addressOf('StaticSecret', mountPath, 'app');
  const boundTo: readonly [string, string | null, string] = [address.kind, mountPath, sort === 'binding' ? 'other' : 'app'];
  const sealed = await sealValue([applier.recipient], { v: 1, address: boundTo, field: 'data.sealed', value: sealedText(id) });
  const sources: JsonObject =
    version === '2'
      ? { sealed: { sealed }, fixed: { literal: fixedValue(id) } }
      : { sealed: { sealed }, generated: { generate: generated } };
  const below = version === '2' ? '/data' : '';
  const values = Object.keys(sources).map((name) => ({ at: `${below}/${name}`, field: `data.${name}` }));
  const write: ApplyRequest =
    version === '2'
      ? { operation: 'write', path: `${mountPath}/data/app`, data: { data: sources }, values }
      : { operation: 'write', path: `${mountPath}/app`, data: sources, values };
  const remove: ApplyRequest = {
    operation: 'delete',
    path: version === '2' ? `${mountPath}/metadata/app` : `${mountPath}/app`,
    data: {},
  };
  const dropped = sort === 'drop';
  return {
    address,
    reads: [
      {
        operation: 'read',
        path: version === '2' ? `${mountPath}/metadata/app` : `sys/managed/observe/${mountPath}/app`,
      },
    ],
    absent: dropped ? null : [write],
    // In a swap, the mount that held the old one is gone by then.
    present: dropped ? (version === '2' ? [] : [remove]) : [write],
    record: dropped ? null : recordOf(id),
  };
}

function effect(state: Registers, project: string, id: number, sort: ApplySort): Changes {
  const plain = `${project}-plain`;
  const changes = new Map<string, JsonObject | string | null>();
  const put = (name: string, address: ManagedAddress, value: JsonObject | string) => {
    changes.set(name, value);
    changes.set(`record/${addressText(address)}`, { project, commit: `commit-${id}`, generation: id });
  };
  const drop = (name: string, address: ManagedAddress) => {
    if (state.has(name)) changes.set(name, null);
    if (state.has(`record/${addressText(address)}`)) changes.set(`record/${addressText(address)}`, null);
  };
  const kv2 = `kv2/${project}/app`;
  const kv1 = `kv1/${plain}/app`;
  put(`policy/${project}-marker`, addressOf('Policy', null, `${project}-marker`), policyText(id));
  put(`mount/${plain}`, addressOf('SecretEngine', null, plain), { version: '1', description: mountDescription(id) });
  if (sort === 'drop') {
    drop(`policy/${project}-a`, addressOf('Policy', null, `${project}-a`));
    drop(`mount/${project}`, addressOf('SecretEngine', null, project));
    drop(kv2, addressOf('StaticSecret', project, 'app'));
    drop(kv1, addressOf('StaticSecret', plain, 'app'));
    return changes;
  }
  put(`policy/${project}-a`, addressOf('Policy', null, `${project}-a`), policyText(id));
  put(`mount/${project}`, addressOf('SecretEngine', null, project), { version: '2', description: mountDescription(id) });
  const before = sort === 'swap' ? null : ((state.get(kv2) ?? null) as unknown as Kv2 | null);
  const value = { sealed: sealedText(id), fixed: fixedValue(id) };
  put(kv2, addressOf('StaticSecret', project, 'app'), written(before, value) as unknown as JsonObject);
  put(kv1, addressOf('StaticSecret', plain, 'app'), { sealed: sealedText(id), generated: generatedMark });
  return changes;
}
