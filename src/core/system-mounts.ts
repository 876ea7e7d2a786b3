import { createHash } from 'node:crypto';
import type { Mount, MountConfig } from './mount-type.ts';

export const defaultMountConfig: MountConfig = {
  defaultLeaseTtl: 0,
  maxLeaseTtl: 0,
  forceNoCache: false,
  listingVisibility: '',
  tokenType: '',
  auditNonHmacRequestKeys: [],
  auditNonHmacResponseKeys: [],
  passthroughRequestHeaders: [],
  allowedResponseHeaders: [],
  userLockout: null,
};

/** What the Vault API shows of these mounts. */
const shownHeaders: Readonly<Record<string, readonly string[]>> = { system: ['Accept'], identity: ['Authorization'] };

/** The storage of the tokens' cubbyholes. */
const cubbyholeId = 'cubbyhole';

/** The mounts that every store has. Nobody mounts, moves or disables them; they have records only where they were tuned. */
export function systemMounts(storeId: string): readonly Mount[] {
  const digest = (id: string): string => createHash('sha256').update(`${storeId}/${id}`).digest('hex').slice(0, 8);
  const mount = (id: string, path: string, type: string, mountClass: Mount['class'], description: string): Mount => ({
    id,
    class: mountClass,
    path,
    type,
    // As unlike those of another store as a random one, and there before anybody could store it.
    accessor: `${path.startsWith('auth/') ? 'auth_' : ''}${type}_${digest(id)}`,
    description,
    options: {},
    config: { ...defaultMountConfig, passthroughRequestHeaders: shownHeaders[id] ?? [] },
    local: id === cubbyholeId,
    sealWrap: id === 'system',
  });
  return [
    mount('system', 'sys', 'system', 'system', 'system endpoints used for control, policy and debugging'),
    mount('identity', 'identity', 'identity', 'system', 'identity store'),
    mount('token', 'auth/token', 'token', 'system', 'token based credentials'),
    mount(cubbyholeId, 'cubbyhole', 'cubbyhole', 'secret', 'per-token private secret storage'),
  ];
}

/** Does it belong to the system? */
export function isSystemMount(mount: Mount): boolean {
  return mount.class === 'system' || mount.id === cubbyholeId;
}
