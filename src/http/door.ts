import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Service } from '../protocol/request-line.ts';
import type { BufferBudget } from './body.ts';
import type { InFlight } from './in-flight.ts';
import type { HttpLimits } from './limits.ts';

/** A line for operators; it holds no secret. */
export type HttpLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, string | number | boolean | null>>,
) => void;

/** What all connections of one listener share. */
export interface Door {
  readonly service: Service;
  readonly limits: HttpLimits;
  readonly budget: BufferBudget;
  /** What requests take up that wait for the answer of an earlier one. */
  readonly waiting: BufferBudget;
  /** Blocks of addresses whose `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly string[];
  readonly secure: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: HttpLog;
  /** Requests that are being carried out. */
  readonly inFlight: InFlight;
  /** It is about to close: every answer is the last of its connection. */
  draining: boolean;
}
