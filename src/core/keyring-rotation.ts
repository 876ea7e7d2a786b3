import type { Clock } from '../base/clock.ts';
import { goDuration } from '../base/duration.ts';
import type { Barrier, BarrierStatus } from '../barrier/barrier.ts';
import type { View } from '../barrier/view.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { TransactionalStore } from '../storage/transaction.ts';
import { done, type Controller } from './controller.ts';
import type { Route } from './mount-type.ts';

/** When the keyring gets a new term by itself. */
export interface KeyringRotation {
  readonly enabled: boolean;
  /** How many encryptions a term may make. */
  readonly maxOperations: number;
  /** Seconds; 0: however old it gets. */
  readonly interval: number;
}

// What the Vault API allows. Our nonces are random 192-bit ones, so that the number of encryptions need not be limited
// for their sake.
const fewestOperations = 1_000_000;
const mostOperations = 3_865_470_566;
const shortestInterval = 24 * 3600;

const path = 'keyring-rotation';
const usual: KeyringRotation = { enabled: true, maxOperations: mostOperations, interval: 0 };

/** Why the keyring is due for a new term at `now` (milliseconds since the epoch); null: it is not. */
export function rotationDue(status: BarrierStatus, config: KeyringRotation, now: number): 'operations' | 'interval' | null {
  if (!config.enabled) return null;
  if (status.encryptions > config.maxOperations) return 'operations';
  return config.interval > 0 && now - status.installTime >= config.interval * 1000 ? 'interval' : null;
}

const fields = {
  enabled: { type: 'bool', description: 'Whether it rotates by itself.' },
  max_operations: { type: 'int', description: 'How many encryptions a term may make.' },
  interval: { type: 'duration', description: 'How old a term may get; 0: as old as it likes.' },
} as const satisfies Fields;

/** `sys/rotate/config` and its newer name. */
export const keyringRotationRoutes: readonly Route[] = ['rotate/config', 'rotate/keyring/config'].map(configRoute);

/** The background task that adds a term to the keyring when one is due. */
export function keyringRotation({
  store,
  barrier,
  clock,
}: {
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
}): Controller {
  return {
    name: 'keyring-rotation',
    description: 'Adds a term to the keyring when the newest has made enough encryptions or is old enough.',
    async due(now) {
      const [status, config] = await store.read(async (tx) => [
        await barrier.status(tx),
        await readRotation(barrier.view(tx, 'core')),
      ]);
      if (rotationDue(status, config, now) !== null) return { keys: ['keyring'], after: null, next: null };
      const next = config.enabled && config.interval > 0 ? status.installTime + config.interval * 1000 : null;
      return { keys: [], after: null, next };
    },
    async reconcile() {
      await store.transact(async (tx) => {
        const config = await readRotation(barrier.view(tx, 'core'));
        if (rotationDue(await barrier.status(tx), config, clock.now()) !== null) await barrier.rotate(tx);
      });
      return done;
    },
  };
}

function configRoute(at: string): Route {
  return {
    path: at,
    summary: 'When the keyring gets a new term by itself.',
    operations: {
      read: {
        summary: 'Reads it.',
        handle: async ({ storage }) => {
          const { enabled, maxOperations, interval } = await readRotation(storage);
          return { data: { enabled, max_operations: maxOperations, interval: interval === 0 ? 0 : goDuration(interval) } };
        },
      },
      write: {
        summary: 'Changes it; what is left out stays.',
        configures: true,
        fields,
        handle: async ({ storage, data }) => {
          const present = await readRotation(storage);
          const sent = readFields(fields, data);
          const config: KeyringRotation = {
            enabled: sent.enabled ?? present.enabled,
            maxOperations: sent.max_operations ?? present.maxOperations,
            interval: sent.interval ?? present.interval,
          };
          check(config);
          await storage.putJson(path, config);
          return noContent;
        },
      },
    },
  };
}

function check({ maxOperations, interval }: KeyringRotation): void {
  if (interval !== 0 && interval < shortestInterval) {
    throw badRequest(`interval must be greater or equal to ${goDuration(shortestInterval)}`);
  }
  if (maxOperations < fewestOperations || maxOperations > mostOperations) {
    throw badRequest(`max_operations must be in the range [${fewestOperations},${mostOperations}]`);
  }
}

async function readRotation(core: View): Promise<KeyringRotation> {
  return (await core.getJson<KeyringRotation>(path)) ?? usual;
}
