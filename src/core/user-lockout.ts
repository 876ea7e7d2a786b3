import type { JsonObject } from '../base/json.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { UserLockout } from './mount-type.ts';

const fields = {
  lockout_threshold: { type: 'int', description: 'How many failed logins lock a user out; 0: 5.' },
  lockout_duration: { type: 'string', description: 'How long after the last one; 0 or "system": 15 minutes.' },
  lockout_counter_reset_duration: {
    type: 'string',
    description: 'How long after the last failed login the count starts anew; 0 or "system": 15 minutes.',
  },
  lockout_disable: { type: 'bool', description: 'Lock nobody out.' },
} as const satisfies Fields;
const durationFields = { duration: { type: 'duration', description: '', default: 0 } } as const satisfies Fields;

const unset: UserLockout = { threshold: 0, duration: 0, counterReset: 0, disabled: false };

/** The `user_lockout_config` after `sent`: members that were not sent keep their value. Throws RequestError 400. */
export function tunedUserLockout(current: UserLockout | null, sent: JsonObject): UserLockout {
  const before = current ?? unset;
  const body = readFields(fields, sent);
  const tuned: UserLockout = {
    threshold: body.lockout_threshold ?? before.threshold,
    duration: readDuration('lockout_duration', body.lockout_duration) ?? before.duration,
    counterReset: readDuration('lockout_counter_reset_duration', body.lockout_counter_reset_duration) ?? before.counterReset,
    disabled: body.lockout_disable ?? before.disabled,
  };
  if (tuned.threshold < 0) throw badRequest('unable to parse user lockout threshold: it is not negative');
  return tuned;
}

/** As `sys/auth` and `tune` show it. */
export function shownUserLockout(lockout: UserLockout): JsonObject {
  return {
    user_lockout_counter_reset_duration: lockout.counterReset,
    user_lockout_threshold: lockout.threshold,
    user_lockout_duration: lockout.duration,
    user_lockout_disable: lockout.disabled,
  };
}

function readDuration(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === 'system') return 0;
  const { duration } = readFields(durationFields, { duration: text });
  if (duration < 0) throw badRequest(`${name} is not negative`);
  return duration;
}
