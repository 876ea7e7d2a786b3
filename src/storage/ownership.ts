import { closeSync, constants, fchmodSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import { isJsonObject } from '../base/json.ts';

export interface OwnershipOptions {
  /** What this process is doing, for whoever finds the store locked. Shown as it is, so without secrets. */
  readonly command: string;
  /** How long to wait for another owner to end, in milliseconds. */
  readonly lockTimeout: number;
  readonly clock: Clock;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

export interface Ownership {
  /** Lets the next owner in. Idempotent. */
  release(): void;
}

interface Owner {
  readonly pid: number;
  readonly command: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
}

const pollInterval = 50;
/** How long an owner may take to say who it is: it first has the lock and then writes its name down. */
const introduction = 500;
const introductionInterval = 10;

/**
 * Makes this process the only owner of a store, by an exclusive lock on the file `path` (made when missing, never
 * removed). The kernel frees the lock when the process ends, however it ends. Throws Fault `store-locked`, which names the
 * owner, after `lockTimeout`.
 */
export async function takeOwnership(path: string, options: OwnershipOptions): Promise<Ownership> {
  const { tryLock } = await import('fs-native-extensions');
  const descriptor = openLockFile(path);
  try {
    for (let waited = 0; !tryLock(descriptor);) {
      const owner = readOwner(path);
      const known = owner !== null && isRunning(owner.pid);
      if (waited >= options.lockTimeout && (known || waited >= options.lockTimeout + introduction)) throw locked(path, owner);
      const step = waited < options.lockTimeout ? Math.min(pollInterval, options.lockTimeout - waited) : introductionInterval;
      await options.sleep(step);
      waited += step;
    }
    record(descriptor, { pid: process.pid, command: options.command, started: options.clock.now() });
  } catch (error) {
    closeSync(descriptor);
    throw error instanceof Fault ? error : unlockable(path, error);
  }
  let released = false;
  return {
    release: () => {
      if (released) return;
      released = true;
      record(descriptor, null);
      closeSync(descriptor);
    },
  };
}

function openLockFile(path: string): number {
  try {
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    fchmodSync(descriptor, 0o600);
    return descriptor;
  } catch (error) {
    throw unlockable(path, error);
  }
}

// Only for the message to others, so a full disk is no reason to fail.
function record(descriptor: number, owner: Owner | null): void {
  try {
    ftruncateSync(descriptor);
    if (owner !== null) writeSync(descriptor, `${JSON.stringify(owner)}\n`, 0);
  } catch {
    return;
  }
}

function readOwner(path: string): Owner | null {
  try {
    const owner: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!isJsonObject(owner)) return null;
    const { pid, command, started } = owner;
    if (!Number.isSafeInteger(pid) || typeof command !== 'string' || typeof started !== 'number') return null;
    // What a terminal would obey is not shown.
    return { pid: Number(pid), command: command.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').slice(0, 200), started };
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function locked(path: string, owner: Owner | null): Fault {
  const who =
    owner === null
      ? 'another process'
      : `process ${owner.pid} (${owner.command}), which started at ${new Date(owner.started).toISOString()}`;
  return new Fault('store-locked', `the store is in use by ${who}; its lock is ${path}`, {
    hint: 'wait until that process has ended, or let this one wait for it with -lock-timeout=30s',
  });
}

function unlockable(path: string, error: unknown): Fault {
  return new Fault('store-io', `cannot lock the store with ${path}: ${(error as Error).message}`, {
    cause: error,
    hint: 'the store belongs on a local disk, in a directory that the user who runs secretctl owns',
  });
}
