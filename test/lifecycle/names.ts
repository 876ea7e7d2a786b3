import type { Json } from '../../src/base/json.ts';
import { type DeclaredRule, emptyRepo, grantedRules } from './declared.ts';

/** Few names, so that what is declared, removed and made by hand meets. */
export const engineNames = ['e0', 'e1', 'team/e2'] as const;
export const methodNames = ['a0', 'org/a1'] as const;
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

export function randomRules(how: number): Json {
  return grantedRules(pathRules(how), emptyRepo);
}
