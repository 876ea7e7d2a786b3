import { hostname } from 'node:os';
import type { Clock } from '../base/clock.ts';
import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { vaultApiVersion } from '../base/version.ts';
import type { Route } from '../core/mount-type.ts';
import { noContent } from '../protocol/reply.ts';
import { hostInfo } from './host-info.ts';

export interface MachineParts {
  readonly clock: Clock;
  /** What the server was started with, without anything secret. */
  readonly config: RunningConfig;
}

export interface RunningConfig {
  readonly storageType: string;
  readonly sealType: string;
  readonly clusterName: string;
  readonly listeners: readonly { readonly address: string; readonly tls: boolean }[];
  readonly logLevel: string;
}

/**
 * What clients ask of the process that serves and of its machine. There is one server: it is active, has nobody to hand
 * over to, and serves from when it was unsealed.
 */
export function machineRoutes({ clock, config }: MachineParts): readonly Route[] {
  const since = clock.now();
  return [
    {
      path: 'host-info',
      summary: 'Processors, memory and disk of the machine.',
      operations: { read: { summary: 'Reads it.', handle: async () => ({ data: hostInfo(clock.now()) }) } },
    },
    {
      path: 'ha-status',
      summary: 'The servers of the store.',
      operations: {
        read: {
          summary: 'Lists them.',
          handle: async () => ({
            data: {
              nodes: [
                {
                  hostname: hostname(),
                  api_address: '',
                  cluster_address: '',
                  active_node: true,
                  last_echo: null,
                  version: vaultApiVersion(),
                  upgrade_version: vaultApiVersion(),
                },
              ],
            },
          }),
        },
      },
    },
    {
      path: 'config/state/sanitized',
      summary: 'What the server was started with, without secrets.',
      operations: { read: { summary: 'Reads it.', handle: async () => ({ data: sanitized(config) }) } },
    },
    {
      path: 'version-history',
      summary: 'The version of the server.',
      operations: {
        list: {
          summary: 'Shows it, and since when it serves.',
          handle: async () => ({
            data: {
              keys: [vaultApiVersion()],
              key_info: {
                [vaultApiVersion()]: {
                  build_date: '',
                  commit_date: '',
                  previous_version: null,
                  timestamp_installed: instantText(since),
                },
              },
            },
          }),
        },
      },
    },
    {
      path: 'step-down',
      summary: 'Gives up being active, where there is another server.',
      operations: { write: { summary: 'Does nothing: there is no other.', sudo: true, handle: async () => noContent } },
    },
  ];
}

/** In the names of the Vault API: the few that our settings have. */
function sanitized({ storageType, sealType, clusterName, listeners, logLevel }: RunningConfig): JsonObject {
  return {
    api_addr: '',
    cluster_addr: '',
    cluster_name: clusterName,
    default_lease_ttl: 0,
    max_lease_ttl: 0,
    disable_clustering: true,
    enable_ui: false,
    listeners: listeners.map(({ address, tls }) => ({ type: 'tcp', config: { address, tls_disable: !tls } })),
    log_level: logLevel,
    raw_storage_endpoint: false,
    seals: [{ type: sealType, disabled: false }],
    storage: { type: storageType, cluster_addr: '', disable_clustering: true, redirect_addr: '' },
  };
}
