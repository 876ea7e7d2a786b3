import type { View } from '../barrier/view.ts';
import type { QuotaTarget } from './target.ts';

/** A rate-limit quota: so many requests of each client in an interval. The record `quotas/rate-limit/<name>` of the core's view. */
export interface RateLimit extends QuotaTarget {
  /** Requests in each interval. */
  readonly rate: number;
  /** Seconds. */
  readonly interval: number;
  /** For how many seconds a client that came too often is refused altogether; 0: only until the next interval. */
  readonly blockInterval: number;
}

/** The record `quotas/config` of the core's view. */
export interface QuotaConfig {
  /** See ExemptPaths. */
  readonly exemptPaths: readonly string[];
  /** The same again, by the name for those that hold in all namespaces. Records of before do not have it. */
  readonly absoluteExemptPaths?: readonly string[];
  /** Are refusals written to the audit log? */
  readonly auditLogging: boolean;
  /** Do answers say how much of the quota is left? */
  readonly responseHeaders: boolean;
}

const defaultQuotaConfig: QuotaConfig = {
  exemptPaths: [
    'sys/generate-recovery-token/attempt',
    'sys/generate-recovery-token/update',
    'sys/generate-root/attempt',
    'sys/generate-root/update',
    'sys/health',
    'sys/seal-status',
    'sys/unseal',
  ],
  auditLogging: false,
  responseHeaders: false,
};

const folder = 'quotas/rate-limit/';
const configPath = 'quotas/config';

export async function readQuotaConfig(core: View): Promise<QuotaConfig> {
  return (await core.getJson<QuotaConfig>(configPath)) ?? defaultQuotaConfig;
}

export async function writeQuotaConfig(core: View, config: QuotaConfig): Promise<void> {
  await core.putJson(configPath, config);
}

export async function readRateLimit(core: View, name: string): Promise<RateLimit | null> {
  return core.getJson<RateLimit>(folder + name);
}

/** In byte order of their names. */
export async function readRateLimits(core: View): Promise<RateLimit[]> {
  const limits: RateLimit[] = [];
  for (const name of await core.children(folder)) {
    const limit = await readRateLimit(core, name);
    if (limit !== null) limits.push(limit);
  }
  return limits;
}

export async function writeRateLimit(core: View, limit: RateLimit): Promise<void> {
  await core.putJson(folder + limit.name, limit);
}

export async function deleteRateLimit(core: View, name: string): Promise<void> {
  await core.delete(folder + name);
}
