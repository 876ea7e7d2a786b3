import type { Json, JsonObject } from '../../src/base/json.ts';
import type { ApplyChange, ApplyOutcome } from '../../src/protocol/managed.ts';
import { seenDigest } from '../../src/protocol/seen-digest.ts';
import type { World } from '../world.ts';

export const project = 'acme';

/** A change that creates an object which is not there yet. */
export function creation(
  kind: string,
  name: string,
  path: string,
  data: JsonObject,
  more: Partial<ApplyChange> = {},
): ApplyChange {
  return {
    address: { kind, mount: null, name },
    action: 'create',
    reads: [{ operation: 'read', path }],
    seen: seenDigest([null]),
    requests: [{ operation: 'write', path, data }],
    record: { spec: data, labels: {}, protect: false },
    ...more,
  };
}

export function policyCreation(name: string, rules = 'path "kv/*" { capabilities = ["read"] }'): ApplyChange {
  return creation('Policy', name, `sys/policies/acl/${name}`, { policy: rules });
}

export async function revision(world: World): Promise<number> {
  return Number((await world.write('sys/managed/snapshot', { project, reads: [] })).data?.revision);
}

/** Sends an apply at the store's present revision unless `more` says otherwise. */
export async function apply(
  world: World,
  changes: readonly ApplyChange[],
  more: JsonObject = {},
  token?: string,
): Promise<ApplyOutcome> {
  const reply = await world.write(
    'sys/apply',
    {
      project,
      storeId: world.storeId,
      base: await revision(world),
      commit: 'c0ffee',
      planDigest: 'sha256:00',
      changes: changes as unknown as Json,
      ...more,
    },
    token,
  );
  return reply.data as unknown as ApplyOutcome;
}
