import type { Clock } from '../base/clock.ts';
import type { JsonObject } from '../base/json.ts';
import type { Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import type { OutsideState } from '../protocol/managed.ts';
import type { Attempted, Due, DuePage, Step } from './controller.ts';
import type { Mount } from './mount-type.ts';

/**
 * What a type of mounts does in the background besides ending leases: a controller (core/controller.ts) for each mount,
 * whose index is in the mount's storage.
 */
export interface MountJobs {
  /** See Controller.due. */
  due(storage: View, now: number, page: DuePage): Promise<Due>;
  /** See Controller.reconcile. TargetUnavailable: the key waits, longer each time. */
  step(key: string, mount: JobMount, signal: AbortSignal): Promise<Step>;
  /** What a key is, for a person who reads of its trouble; absent: the key says it. */
  describe?(key: string): string;
  /** How a step stands that a write has left to the background (see Reply.outside); null: it is done, or wanted no more. */
  standing?(storage: View, key: string): Promise<OutsideState | null>;
}

/** A mount, as its jobs work in it. */
export interface JobMount {
  readonly mount: Mount;
  readonly clock: Clock;
  readonly random: Random;
  /** A transaction of its own: it may run again after a conflict, so it has no external effect. */
  transact<T>(work: (job: JobTransaction) => Promise<T>): Promise<T>;
  /** An entry of the audit log about this mount; `facts` hold no secret. Throws Fault where nobody can write it. */
  note(facts: JsonObject): Promise<void>;
}

export interface JobTransaction {
  readonly storage: View;
  /** See Services.generatePassword. */
  generatePassword(policy: string | null): Promise<string>;
}

/** What a running system lends to the types that it has started. */
export interface Background {
  /** Reads the storage of a mount in a transaction of its own. */
  read<T>(mountId: string, work: (storage: View) => Promise<T>): Promise<T>;
  /** Has the jobs of a mount try a key at once; see ReconcilerPort.attempt. */
  attempt(mountId: string, key: string, signal: AbortSignal): Promise<Attempted | null>;
  /** Has the jobs of all mounts look at once for what is due. */
  wake(): void;
}
