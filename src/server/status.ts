import type { JsonObject } from '../base/json.ts';
import { vaultApiVersion } from '../base/version.ts';
import { sealTypeOf } from '../seal/registry.ts';
import type { UnsealingStatus } from '../seal/unsealing.ts';

/** What a node is at a moment. */
export interface NodeStatus {
  readonly sealed: boolean;
  /** Of the settings. */
  readonly sealType: string;
  /** Null: the store is not initialized. */
  readonly unsealing: UnsealingStatus | null;
  readonly storageType: string;
  readonly storeId: string;
  readonly clusterName: string;
  readonly now: number;
  /** Why it is sealed although nobody sealed it, or not served, or would stay sealed if it started now; null: all is well. */
  readonly problem: string | null;
}

/** The body of sys/seal-status and of the answers to sys/unseal. */
export function sealStatus(status: NodeStatus): JsonObject {
  const { unsealing, sealed } = status;
  const recovery = unsealing?.recovery ?? !sealTypeOf(status.sealType).shared;
  return {
    type: status.sealType,
    initialized: unsealing !== null,
    sealed,
    t: unsealing?.threshold ?? 0,
    n: unsealing?.shares ?? 0,
    progress: sealed ? (unsealing?.given ?? 0) : 0,
    nonce: sealed ? (unsealing?.nonce ?? '') : '',
    version: vaultApiVersion(),
    build_date: '',
    commit_date: '',
    migration: unsealing?.migration ?? false,
    ...(sealed ? {} : { cluster_name: status.clusterName, cluster_id: status.storeId }),
    recovery_seal: recovery,
    ...(recovery ? { recovery_seal_type: 'shamir' } : {}),
    storage_type: status.storageType,
    ...(status.problem === null ? {} : { warnings: [status.problem] }),
  };
}

/** The body of sys/leader: one server is its own leader. */
export function leader(): JsonObject {
  return {
    ha_enabled: false,
    is_self: false,
    active_time: '0001-01-01T00:00:00Z',
    leader_address: '',
    leader_cluster_address: '',
    performance_standby: false,
    performance_standby_last_remote_wal: 0,
  };
}

/** The body of sys/health. */
export function health(status: NodeStatus): JsonObject {
  return {
    initialized: status.unsealing !== null,
    sealed: status.sealed,
    standby: status.sealed,
    performance_standby: false,
    replication_performance_mode: status.sealed ? 'unknown' : 'disabled',
    replication_dr_mode: status.sealed ? 'unknown' : 'disabled',
    server_time_utc: Math.floor(status.now / 1000),
    version: vaultApiVersion(),
    enterprise: false,
    ...(status.sealed ? {} : { cluster_name: status.clusterName, cluster_id: status.storeId }),
    ...(status.problem === null ? {} : { warnings: [status.problem] }),
  };
}
