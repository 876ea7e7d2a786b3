import { auditDeviceKind } from './audit/audit-device-kind.ts';
import { authBinding, authMethods } from './auth/index.ts';
import { authMethodKind, secretEngineKind } from './core/mount-kind.ts';
import { engines } from './engines/index.ts';
import { entityKind } from './identity/entity-kind.ts';
import { groupKind } from './identity/group-kind.ts';
import type { Kind } from './kinds/kind.ts';
import { passwordPolicyKind } from './policy/password-policy-kind.ts';
import { policyKind } from './policy/policy-kind.ts';
import { leaseCountQuotaKind } from './quota/lease-count-kind.ts';
import { rateLimitQuotaKind } from './quota/rate-limit-kind.ts';

/** Every kind of document: those of the nouns, and those that engines and auth methods bring. */
export const kinds: readonly Kind[] = [
  auditDeviceKind,
  authBinding,
  authMethodKind,
  entityKind,
  groupKind,
  leaseCountQuotaKind,
  passwordPolicyKind,
  policyKind,
  rateLimitQuotaKind,
  secretEngineKind,
  ...engines.flatMap((engine) => engine.kinds),
  ...authMethods.flatMap((method) => method.kinds),
];
