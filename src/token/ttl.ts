import { goDuration } from '../base/duration.ts';
import { systemLeaseTtl, type MountConfig } from '../core/mount-type.ts';
import { badRequest } from '../protocol/request-error.ts';

/** What bounds the life of a token. Seconds, 0 for "not set", unless told. */
export interface TtlQuestion {
  /** What a renewal asks for. */
  readonly increment: number;
  readonly ttl: number;
  readonly period: number;
  /** The role's or the auth method's. */
  readonly maxTtl: number;
  readonly explicitMaxTtl: number;
  /** The mount that gives or gave the token. */
  readonly config: Pick<MountConfig, 'defaultLeaseTtl' | 'maxLeaseTtl'>;
  /** When the token was made: milliseconds since the epoch. */
  readonly issuedAt: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface TtlAnswer {
  /** Whole seconds that are granted. */
  readonly ttl: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly warnings: readonly string[];
}

/**
 * How long a token lives from now on, as the Vault API has it: the least of the explicit, the role's and the mount's
 * maximum (else the system's) counts from its creation; a period starts anew with each renewal, and only the explicit
 * maximum ends it. Throws RequestError 400 where the maximum has passed.
 */
export function grantedTtl(question: TtlQuestion): TtlAnswer {
  const { increment, config, issuedAt, now } = question;
  const warnings: string[] = [];
  const most = leastLimit(question.maxTtl, question.explicitMaxTtl, config.maxLeaseTtl > 0 ? config.maxLeaseTtl : systemLeaseTtl);
  const periodic = question.period > 0;
  if (periodic && question.period > most) {
    warnings.push(
      `period of "${shown(question.period)}" exceeded the effective max_ttl of "${shown(most)}"; period value is capped accordingly`,
    );
  }
  const asked = periodic
    ? Math.min(question.period, most)
    : increment > 0
      ? increment
      : question.ttl > 0
        ? question.ttl
        : config.defaultLeaseTtl > 0
          ? config.defaultLeaseTtl
          : systemLeaseTtl;
  const lifetime = periodic ? question.explicitMaxTtl : most;
  if (lifetime === 0) return { ttl: asked, expiresAt: now + asked * 1000, warnings };
  const end = issuedAt + lifetime * 1000;
  if (end - now < 1000) throw badRequest('past the max TTL, cannot renew');
  const expiresAt = Math.min(now + asked * 1000, end);
  // As the Vault API has it, in whole seconds of the clock: a renewal within the first second loses none.
  const ttl = Math.floor(expiresAt / 1000) - Math.floor(now / 1000);
  if (ttl < asked) {
    warnings.push(`TTL of "${shown(asked)}" exceeded the effective max_ttl of "${shown(ttl)}"; TTL value is capped accordingly`);
  }
  return { ttl, expiresAt, warnings };
}

/** The least of the limits that are set; 0: none is. */
export function leastLimit(...limits: readonly number[]): number {
  const set = limits.filter((limit) => limit > 0);
  return set.length === 0 ? 0 : Math.min(...set);
}

/** As Go prints it, without its zero parts: `768h`, `1h30m`. */
function shown(seconds: number): string {
  const text = goDuration(seconds).replace(/m0s$/, 'm');
  return text.replace('h0m', 'h');
}
