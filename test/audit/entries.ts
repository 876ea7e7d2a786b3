import { systemClock } from '../../src/base/clock.ts';
import type { Mount } from '../../src/core/mount-type.ts';
import { defaultMountConfig } from '../../src/core/system-mounts.ts';
import type { AuditAuth, AuditEntry } from '../../src/core/ports.ts';
import type { Request } from '../../src/protocol/request.ts';
import { chainHash, genesis, type Head } from '../../src/audit/chain.ts';
import { ValueHash } from '../../src/audit/value-hash.ts';
import { formatLine, Redactor } from '../../src/audit/line.ts';
import type { AuditLogOptions } from '../../src/audit/log.ts';

export const storeId = '6f2c7a52-8b0e-4c6e-9d0b-2f6f1c1f5a10';
export const auditKey = new Uint8Array(32).map((_, at) => at + 1);
export const boot = '7e1f0c5a-3d52-4f4b-8a37-0d2f7c1b9e11';

export const kvMount: Mount = {
  id: '11111111-2222-4333-8444-555555555555',
  class: 'secret',
  path: 'kv/team',
  type: 'kv',
  accessor: 'kv_1a2b3c',
  description: '',
  options: { version: '2' },
  config: defaultMountConfig,
  local: false,
  sealWrap: false,
};

export const caller: AuditAuth = {
  accessor: 'accessor-of-alice',
  displayName: 'approle-alice',
  policies: ['default', 'payments', 'team'],
  tokenPolicies: ['default', 'payments'],
  tokenType: 'service',
  entityId: '',
  metadata: { role_name: 'alice' },
  granting: [{ name: 'payments', type: 'acl' }],
};

export function requestTo(path: string, changes: Partial<Request> = {}): Request {
  return {
    id: '0b5c1d3e-0000-4000-8000-000000000001',
    operation: 'read',
    path,
    data: {},
    token: 'hvs.token-of-alice',
    remote: { address: '192.0.2.7', port: 40_001 },
    wrapTtl: null,
    ...changes,
  };
}

export function entryOf(changes: Partial<AuditEntry> = {}): AuditEntry {
  return {
    type: 'request',
    request: requestTo('kv/team/data/app'),
    verb: null,
    mount: kvMount,
    auth: caller,
    reply: null,
    error: null,
    ...changes,
  };
}

/** An entry that is known by a number in its facts. */
export function numbered(number: number): AuditEntry {
  return entryOf({ type: 'system', request: null, mount: null, auth: null, facts: { number } });
}

/** What a log is opened with, but for its sinks. */
export const logBasics: Omit<AuditLogOptions, 'sinks' | 'enabled'> = {
  storeId,
  key: auditKey,
  boot,
  epoch: 3,
  clock: systemClock,
  anchor: null,
};

export interface WrittenLog {
  /** Each with its newline. */
  readonly lines: readonly Uint8Array[];
  readonly bytes: Buffer;
  /** `heads[n]` is the head at line n; the first is the genesis. */
  readonly heads: readonly Head[];
  readonly head: Head;
}

/** The lines of a log that holds these entries, without any sink. */
export function writtenLog(entries: readonly AuditEntry[], from: Head = genesis(storeId)): WrittenLog {
  const redactor = new Redactor(new ValueHash(auditKey));
  const heads: Head[] = [from];
  const lines = entries.map((entry) => {
    const { seq, hash } = heads.at(-1) as Head;
    const time = Date.UTC(2026, 10, 24, 12, 0, 0, seq);
    const line = Buffer.from(formatLine(redactor.redact(entry), { seq: seq + 1, prev: hash, time, boot, epoch: 3 }));
    heads.push({ seq: seq + 1, hash: chainHash(hash, line) });
    return Buffer.concat([line, Buffer.from('\n')]);
  });
  return { lines, bytes: Buffer.concat(lines), heads, head: heads.at(-1) as Head };
}

/** A small log with entries of every type. */
export function smallLog(): WrittenLog {
  const request = requestTo('kv/team/data/app', { operation: 'write', data: { data: { user: 'u', port: 5432, tls: true } } });
  return writtenLog([
    numbered(1),
    entryOf({ request, verb: 'create' }),
    entryOf({ type: 'response', request, verb: 'create', reply: { data: { version: 1 } } }),
    entryOf({ type: 'response', request, verb: 'update', error: 'permission denied' }),
    entryOf({ type: 'apply-commit', request: null, mount: null, auth: null, facts: { apply: 'a1', changes: 2 } }),
    numbered(6),
  ]);
}
