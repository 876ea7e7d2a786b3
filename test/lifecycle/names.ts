import type { Json } from '../../src/base/json.ts';
import { type DeclaredRule, emptyRepo, grantedRules } from './declared.ts';

/** Few names, so that what is declared, removed and made by hand meets. */
export const engineNames = ['e0', 'e1', 'team/e2'] as const;
export const methodNames = ['a0', 'org/a1'] as const;
export const databaseNames = ['db0', 'db/d1'] as const;
export const connectionNames = ['c0', 'c1'] as const;
export const roleNames = ['d0', 'd1', 'd2'] as const;
/** The paths of lease-count quotas by their names: no two quotas may be for the same. */
export const quotaPaths = { q0: '', q1: 'auth/token', q2: 'cubbyhole/x*' } as const;
export const secretNames = ['s0', 's1', 'app/s2'] as const;
export const fieldNames = ['f0', 'f1', 'api_key', 'a.b', 'x/y "z"', 'schlüssel', 'constructor'] as const;

const paths = ['sys/health', 'cubbyhole/*', 'auth/+/role/*', 'e0/data/x/*', 'secret/team-é/+/key'] as const;
const words = [['read'], ['read', 'list'], ['create', 'update', 'patch', 'delete'], ['deny'], ['sudo', 'list']] as const;

/** Rules over API paths. */
export function pathRules(how: number): readonly DeclaredRule[] {
  if (how % 6 === 0) {
    return [
      {
        path: 'auth/token/create',
        capabilities: ['create', 'update'],
        limits: { allowedParameters: { ttl: ['1h', '2h'] }, requiredParameters: ['ttl'], minWrappingTtl: 60 },
      },
    ];
  }
  const count = 1 + (how % 3);
  return Array.from({ length: count }, (_, index) => ({
    path: paths[(how + index * 2) % paths.length] ?? '',
    capabilities: words[(how + index) % words.length] ?? [],
  }));
}

/** The paths of mounts tell what they are. */
export function isDatabase(path: string): boolean {
  return path.startsWith('db');
}

export function quotaPath(name: string): string {
  return quotaPaths[name as keyof typeof quotaPaths];
}

export function randomRules(how: number): Json {
  return grantedRules(pathRules(how), emptyRepo);
}
