import { parseCron, type CronSchedule } from '../../base/cron.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Body, Fields } from '../../protocol/field.ts';
import { badRequest } from '../../protocol/request-error.ts';

/** When the password of a static role is changed. */
export type RotationTimes =
  /** So many seconds after the last time. */
  | { readonly period: number }
  /** At the times of a cron line, and not later than `window` seconds after one of them; 0: however late. */
  | { readonly cron: string; readonly zone: string; readonly window: number };

export const rotationTimesFields = {
  rotation_period: { type: 'duration', description: 'How long a password is used; 5 seconds at least.' },
  rotation_schedule: {
    type: 'string',
    description: 'In place of a period: a cron line of five fields, such as `0 3 * * SAT`.',
  },
  rotation_window: {
    type: 'duration',
    description: 'How long after a time of the schedule a rotation may still begin; an hour at least, 0: without limit.',
  },
  rotation_timezone: { type: 'string', description: 'The time zone of the schedule, as `Europe/Berlin`; UTC unless told.' },
} as const satisfies Fields;

export const shortestPeriod = 5;
export const shortestWindow = 3600;
/** The last moment that RFC 3339 can write. */
const endOfTime = Date.UTC(9999, 11, 31);

/** What the times become by what was sent. Throws RequestError 400. */
export function changedTimes(before: RotationTimes | null, sent: Body<typeof rotationTimesFields>): RotationTimes {
  // Clients that know both fields send the one that is not used as empty.
  const period = sent.rotation_period === 0 && sent.rotation_schedule !== undefined ? undefined : sent.rotation_period;
  const cron = sent.rotation_schedule === '' ? undefined : sent.rotation_schedule;
  if (period !== undefined && cron !== undefined) {
    throw badRequest(
      'mutually exclusive fields rotation_period and rotation_schedule were both specified; only one of them can be provided',
    );
  }
  const was = before === null || 'period' in before ? null : before;
  const line = cron ?? (period === undefined ? was?.cron : undefined);
  if (line === undefined) {
    const seconds = period ?? (before !== null && 'period' in before ? before.period : undefined);
    if (seconds === undefined) {
      throw badRequest('one of rotation_schedule or rotation_period must be provided to create a static account');
    }
    if ((sent.rotation_window ?? 0) !== 0) throw badRequest('rotation_window is invalid with use of rotation_period');
    if ((sent.rotation_timezone ?? '') !== '') throw badRequest('rotation_timezone is invalid with use of rotation_period');
    if (seconds < shortestPeriod) throw badRequest(`rotation_period must be ${shortestPeriod} seconds or more`);
    return { period: seconds };
  }
  const window = sent.rotation_window ?? was?.window ?? 0;
  if (window !== 0 && window < shortestWindow) throw badRequest(`rotation_window must be ${shortestWindow} seconds or more`);
  const times = { cron: line, zone: sent.rotation_timezone ?? was?.zone ?? 'UTC', window };
  scheduleOf(times);
  return times;
}

/** The first time after a moment at which a rotation is due; both in milliseconds since the epoch. */
export function nextRotation(times: RotationTimes, after: number): number {
  if ('period' in times) return after + times.period * 1000;
  // A line that was read has times without end: that of a leap day is the rarest.
  return scheduleOf(times).after(after) ?? endOfTime;
}

/** Until when a rotation that is due at a moment may begin; null: however late. */
export function windowEnd(times: RotationTimes, due: number): number | null {
  return 'period' in times || times.window === 0 ? null : due + times.window * 1000;
}

export function shownTimes(times: RotationTimes): JsonObject {
  if ('period' in times) return { rotation_period: times.period };
  return { rotation_schedule: times.cron, rotation_window: times.window, rotation_timezone: times.zone };
}

function scheduleOf({ cron, zone }: { readonly cron: string; readonly zone: string }): CronSchedule {
  try {
    return parseCron(cron, zone);
  } catch (error) {
    if (error instanceof RangeError) throw badRequest(`could not parse rotation_schedule: ${error.message}`);
    throw error;
  }
}
