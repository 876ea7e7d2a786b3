import type { Mount } from '../../src/core/mount-type.ts';
import type { AuditAuth, AuditEntry } from '../../src/core/ports.ts';
import type { Request } from '../../src/protocol/request.ts';

export const storeId = '6f2c7a52-8b0e-4c6e-9d0b-2f6f1c1f5a10';
export const auditKey = new Uint8Array(32).map((_, at) => at + 1);

export const kvMount: Mount = {
  id: '11111111-2222-4333-8444-555555555555',
  class: 'secret',
  path: 'kv/team',
  type: 'kv',
  accessor: 'kv_1a2b3c',
  description: '',
  options: { version: '2' },
  config: {
    defaultLeaseTtl: 0,
    maxLeaseTtl: 0,
    forceNoCache: false,
    listingVisibility: '',
    tokenType: '',
    auditNonHmacRequestKeys: [],
    auditNonHmacResponseKeys: [],
    passthroughRequestHeaders: [],
    allowedResponseHeaders: [],
  },
  local: false,
  sealWrap: false,
};

export const caller: AuditAuth = {
  accessor: 'accessor-of-alice',
  displayName: 'approle-alice',
  policies: ['default', 'payments'],
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

/** An entry of the log's own, known by a number in its facts. */
export function numbered(number: number): AuditEntry {
  return entryOf({ type: 'system', request: null, mount: null, auth: null, facts: { number } });
}
