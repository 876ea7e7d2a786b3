import { runOf } from '../core/corridor.ts';
import type { LoginAttempt, LoginName, MountConfig, RouteContext } from '../core/mount-type.ts';
import type { LockoutPort } from '../core/ports.ts';
import { RecordedRefusal } from '../core/recorded-refusal.ts';
import { permissionDenied } from '../protocol/request-error.ts';
import { type Failures, failuresPath, newFailuresPath } from './failures.ts';

/** What counts at a mount: its own settings before those of the system. Durations in milliseconds. */
export interface LockoutTerms {
  readonly threshold: number;
  readonly duration: number;
  readonly counterReset: number;
}

const systemTerms = { threshold: 5, duration: 15 * 60, counterReset: 15 * 60 };

/** Null: nobody is locked out there. */
export function lockoutTerms({ userLockout }: MountConfig): LockoutTerms | null {
  if (userLockout?.disabled === true) return null;
  return {
    threshold: userLockout?.threshold || systemTerms.threshold,
    duration: (userLockout?.duration || systemTerms.duration) * 1000,
    counterReset: (userLockout?.counterReset || systemTerms.counterReset) * 1000,
  };
}

export function isLocked(failures: Failures, terms: LockoutTerms, now: number): boolean {
  return failures.count >= terms.threshold && now - failures.last < terms.duration;
}

export function createLockout(): LockoutPort {
  return {
    async begin(context, name) {
      const terms = lockoutTerms(context.mount.config);
      return terms === null ? uncounted : beginCounted(context, name, terms);
    },
  };
}

const uncounted: LoginAttempt = {
  failed: (refusal) => Promise.resolve(refusal),
  succeeded: () => Promise.resolve(),
};

/**
 * The count is read and written in the transaction of the login, so of many that come at once no more are answered than
 * the threshold allows: the others run again and find a lock.
 */
async function beginCounted(context: RouteContext, { name, known }: LoginName, terms: LockoutTerms): Promise<LoginAttempt> {
  const view = runOf(context).core.below('lockout/');
  const { now } = context;
  const { accessor } = context.mount;
  const path = await failuresPath(view, accessor, name, known);
  const before = path === null ? null : await view.getJson<Failures>(path);
  if (before !== null && isLocked(before, terms, now)) throw permissionDenied();
  return {
    async failed(refusal) {
      const anew = before === null || now - before.last >= terms.counterReset;
      const count = anew ? 1 : before.count + 1;
      const failures: Failures = {
        name: known ? name : '',
        count,
        last: now,
        until: now + Math.max(terms.counterReset, count >= terms.threshold ? terms.duration : 0),
      };
      await view.putJson(path ?? (await newFailuresPath(view, accessor, name, known, context.random)), failures);
      return new RecordedRefusal(refusal);
    },
    async succeeded() {
      if (path !== null && before !== null) await view.delete(path);
    },
  };
}
