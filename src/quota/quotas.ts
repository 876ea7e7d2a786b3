import type { Clock } from '../base/clock.ts';
import { randomUuid, type Random } from '../base/random.ts';
import type { Barrier } from '../barrier/barrier.ts';
import type { View } from '../barrier/view.ts';
import type { MountTable } from '../core/mount-table.ts';
import type { AuditPort } from '../core/ports.ts';
import { configured } from '../core/configured.ts';
import { clientName } from '../protocol/client-name.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Request } from '../protocol/request.ts';
import type { RequestLine } from '../protocol/request-line.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { Clients, type Verdict } from './clients.ts';
import { ExemptPaths } from './exempt-paths.ts';
import { readQuotaConfig, readRateLimits, type QuotaConfig, type RateLimit } from './record.ts';
import { type Rule, Rules } from './rules.ts';
import { routeOf } from './target.ts';

export interface QuotaParts {
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: AuditPort;
  /** The mounts as a transaction sees them. */
  mounts(tx: Transaction): Promise<MountTable>;
  /** The role that a login asks for, as its auth method reads it; null: none, or it is no login. */
  roleOf(request: Request): Promise<string | null>;
  /** How many clients are remembered; 100,000 unless told. */
  readonly clients?: number;
}

export interface Quotas {
  /** See Service.admit. All that come without an address count as one client. Throws RequestError 429. */
  admit(line: RequestLine): Promise<Readonly<Record<string, string>>>;
  /**
   * The same for a request that `admit` could not judge without its body: a login, where a quota depends on its role.
   * To be called before it is handled. Throws RequestError 429.
   */
  admitLogin(request: Request): Promise<void>;
}

/** What the store says. */
interface State {
  readonly config: QuotaConfig;
  readonly exempt: ExemptPaths;
  readonly rules: Rules<RateLimit>;
}

/** The rate limits of a store. What clients have used up is in memory only. */
export function createQuotas(parts: QuotaParts): Quotas {
  const { clock } = parts;
  const clients = new Clients(parts.clients ?? 100_000);
  const state = configured(parts, async (tx, core) => readState(core, await parts.mounts(tx)));

  /** Those that are not limited have no state. */
  const limiting = async (path: string): Promise<State | null> => {
    const now = await state();
    return now.rules.isEmpty || now.exempt.has(path) ? null : now;
  };

  const judge = async (
    { config, rules }: State,
    line: Pick<Request, 'operation' | 'path' | 'remote'>,
    path: string,
    role: string | null,
  ): Promise<Readonly<Record<string, string>>> => {
    const limit = rules.find(path, role);
    if (limit === null) return {};
    const verdict = clients.take(limit, clientName(line.remote), clock.now());
    const headers = config.responseHeaders ? headersOf(limit, verdict) : {};
    if (verdict.allowed) return headers;
    const refusal = new RequestError(429, `request path ${JSON.stringify(path)}: rate limit quota exceeded`, {
      headers: { ...headers, 'Retry-After': String(Math.max(1, seconds(verdict.retryAfter))) },
    });
    if (config.auditLogging) await auditRefusal(parts, line, refusal);
    throw refusal;
  };

  return {
    async admit(line) {
      const path = withoutSlash(line.path);
      const now = await limiting(path);
      if (now === null || (line.operation === 'write' && now.rules.dependsOnRole(path))) return {};
      return judge(now, line, path, null);
    },
    async admitLogin(request) {
      if (request.operation !== 'write') return;
      const path = withoutSlash(request.path);
      const now = await limiting(path);
      if (now === null || !now.rules.dependsOnRole(path)) return;
      await judge(now, request, path, await parts.roleOf(request));
    },
  };
}

async function readState(core: View, mounts: MountTable): Promise<State> {
  const config = await readQuotaConfig(core);
  const rules: Rule<RateLimit>[] = [];
  for (const limit of await readRateLimits(core)) {
    const route = routeOf(limit, mounts);
    // A quota goes with its mount.
    if (route !== null) rules.push({ limit, route });
  }
  return {
    config,
    exempt: new ExemptPaths([...config.exemptPaths, ...(config.absoluteExemptPaths ?? [])]),
    rules: new Rules(rules),
  };
}

function headersOf(limit: RateLimit, { remaining, reset }: Verdict): Record<string, string> {
  if (remaining === null) return {};
  return {
    'X-Ratelimit-Limit': String(Math.max(1, Math.round(limit.rate))),
    'X-Ratelimit-Remaining': String(remaining),
    'X-Ratelimit-Reset': String(seconds(reset)),
  };
}

const seconds = (milliseconds: number): number => Math.ceil(milliseconds / 1000);
const withoutSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path);

/** The refusal stands whether the log takes its entry or not: nothing was done that it would have to tell. */
async function auditRefusal(
  { audit, random }: QuotaParts,
  { operation, path, remote }: Pick<Request, 'operation' | 'path' | 'remote'>,
  refusal: RequestError,
): Promise<void> {
  const request: Request = { id: randomUuid(random), operation, path, data: {}, token: null, remote, wrapTtl: null };
  const entry = { type: 'request', request, verb: null, mount: null, auth: null, reply: null, error: refusal.message } as const;
  await audit.append([entry]).catch(() => undefined);
}
