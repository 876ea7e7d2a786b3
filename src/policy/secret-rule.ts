import type { LensContext, LensMount } from '../kinds/kind.ts';
import type { PolicyRule, RuleCapability } from './rule.ts';

/** Where each capability on a secret of KV 2 lies in the API. */
const version2: Readonly<Record<RuleCapability, readonly (readonly [folder: string, capability: RuleCapability])[]>> = {
  create: [['data', 'create']],
  read: [
    ['data', 'read'],
    ['subkeys', 'read'],
  ],
  update: [['data', 'update']],
  patch: [['data', 'patch']],
  delete: [
    ['data', 'delete'],
    ['delete', 'update'],
  ],
  list: [['metadata', 'list']],
  sudo: [],
  deny: ['data', 'metadata', 'subkeys', 'delete', 'undelete', 'destroy'].map((folder) => [folder, 'deny']),
};

/** A problem of a secret rule, or the mount that it speaks of and the rest of its path. */
export type SecretTarget =
  { readonly problem: string } | { readonly mount: string; readonly rest: string; readonly version: '1' | '2' };

/** Finds the KV engine of a secret rule among the planned mounts. */
export function secretTarget(secret: string, { engines }: LensContext): SecretTarget {
  let mount: string | null = null;
  for (let slash = secret.indexOf('/'); slash !== -1; slash = secret.indexOf('/', slash + 1)) {
    if (engines.has(secret.slice(0, slash))) mount = secret.slice(0, slash);
  }
  const engine: LensMount | undefined = mount === null ? undefined : engines.get(mount);
  if (mount === null || engine === undefined) {
    return { problem: `no secret engine is mounted at the start of ${JSON.stringify(secret)}` };
  }
  if (engine.type !== 'kv') {
    return { problem: `${mount} is a ${engine.type} engine: a rule over it needs path, secret is for kv` };
  }
  return { mount, rest: secret.slice(mount.length + 1), version: engine.options['version'] === '2' ? '2' : '1' };
}

/** The rules over API paths that a rule about the secrets of a target stands for, whatever the version of the engine. */
export function expandSecretRule(
  rule: Omit<PolicyRule, 'path'>,
  { mount, rest, version }: Exclude<SecretTarget, { problem: string }>,
): readonly PolicyRule[] {
  if (version === '1') return [{ ...rule, path: `${mount}/${rest}` }];
  const byFolder = new Map<string, RuleCapability[]>();
  for (const [folder, capability] of rule.capabilities.flatMap((word) => version2[word])) {
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), capability]);
  }
  return [...byFolder].map(([folder, capabilities]) => ({ ...rule, path: `${mount}/${folder}/${rest}`, capabilities }));
}
