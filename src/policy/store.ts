import { isIdentifier } from '../base/name.ts';
import type { View } from '../barrier/view.ts';
import type { CoreContext } from '../core/corridor.ts';
import type { Acl } from '../core/mount-type.ts';
import type { PolicyPort } from '../core/ports.ts';
import { pendingVersion } from '../storage/transaction.ts';
import { compileAcl, rootAcl } from './acl.ts';
import { generateFromCharset } from './charset.ts';
import { defaultPolicy, wrappingPolicy } from './default-policy.ts';
import { parsePolicy } from './hcl.ts';
import { generatePassword } from './password-store.ts';
import type { Policy, PolicyRule } from './rule.ts';

/**
 * The record `policy/acl/<name>` of the core's view, as JSON. The text is kept as it was sent, because people read
 * their own words again; the rules are what it said to the parser of that time, so that a later parser does not
 * change what a stored policy grants.
 */
export interface PolicyRecord {
  readonly format: 1;
  readonly text: string;
  readonly rules: readonly PolicyRule[];
}

const folder = 'policy/acl/';

/** Policies that are the same in every store. */
const builtIn: ReadonlyMap<string, PolicyRecord> = new Map([
  ['response-wrapping', { format: 1, text: wrappingPolicy, rules: parsePolicy(wrappingPolicy) }],
]);

/** Writes the policies that a new store has. `core` is the core's view. */
export async function initializePolicies(core: View): Promise<void> {
  await putPolicy(core, 'default', defaultPolicy);
}

/** Null where there is none, and for what is no name: it never becomes a path. */
export async function getPolicy(core: View, name: string): Promise<PolicyRecord | null> {
  if (!isIdentifier(name)) return null;
  const fixed = builtIn.get(name);
  if (fixed !== undefined) return fixed;
  return core.getJson<PolicyRecord>(folder + name);
}

/** Stores the text of a policy. Throws HclError. */
export async function putPolicy(core: View, name: string, text: string): Promise<void> {
  const record: PolicyRecord = { format: 1, text, rules: parsePolicy(text) };
  await core.putJson(folder + name, record);
}

export async function deletePolicy(core: View, name: string): Promise<void> {
  await core.delete(folder + name);
}

/** The names of all stored policies, in byte order; `root` is not among them. */
export async function policyNames(core: View): Promise<string[]> {
  return core.children(folder);
}

/** The policies of a store, for its core. Remembers compiled sets of one generation, up to about `maxRules` rules. */
export function createPolicies(maxRules = 200_000): PolicyPort {
  const cache = new SetCache(maxRules);
  return {
    async acl(core, names, generation) {
      const given = new Set(names);
      if (given.has('root')) return given.size === 1 ? rootAcl : compileAcl([]);
      // A stored token may carry a name from before the rule for names: it grants nothing and never becomes a path.
      const set = [...given].filter(isIdentifier).sort();
      const key = set.join('\n');
      const cached = cache.get(key, generation);
      if (cached !== undefined) return cached;
      const { policies, settled } = await load(core, set);
      const acl = compileAcl(policies);
      if (settled) cache.put(key, generation, acl, policies);
      return acl;
    },
    generatePassword: (context, policy) => generatePassword((context as CoreContext).run.core, policy, context.random),
    generateFromCharset,
  };
}

/**
 * `settled`: each policy was found as an earlier commit left it. A set with a policy that this transaction wrote or
 * may have deleted is not remembered, since the transaction may yet come to nothing.
 */
async function load(
  core: View,
  names: readonly string[],
): Promise<{ readonly policies: readonly Policy[]; readonly settled: boolean }> {
  const policies: Policy[] = [];
  let settled = true;
  for (const name of names) {
    const fixed = builtIn.get(name);
    if (fixed !== undefined) {
      policies.push({ name, rules: fixed.rules });
      continue;
    }
    const record = await core.get(folder + name);
    if (record === null || record.version === pendingVersion) settled = false;
    if (record === null) continue;
    const { rules } = JSON.parse(Buffer.from(record.value).toString('utf8')) as PolicyRecord;
    policies.push({ name, rules });
  }
  return { policies, settled };
}

/** Compiled sets by their names. Another generation empties it; an older one, of a transaction that began earlier, is not kept. */
class SetCache {
  readonly #maxRules: number;
  readonly #sets = new Map<string, { readonly acl: Acl; readonly weight: number }>();
  #generation = 0;
  #weight = 0;

  constructor(maxRules: number) {
    this.#maxRules = maxRules;
  }

  get(key: string, generation: number): Acl | undefined {
    if (generation !== this.#generation) return undefined;
    const found = this.#sets.get(key);
    if (found === undefined) return undefined;
    this.#sets.delete(key);
    this.#sets.set(key, found);
    return found.acl;
  }

  put(key: string, generation: number, acl: Acl, policies: readonly Policy[]): void {
    // One of the transaction itself (pendingVersion) is older than any: what is not committed may come to nothing.
    if (generation < this.#generation) return;
    if (generation > this.#generation) {
      this.#sets.clear();
      this.#generation = generation;
      this.#weight = 0;
    }
    if (this.#sets.has(key)) return;
    // The 20 stand for the set itself, so that many small ones are bounded too.
    const weight = policies.reduce((sum, { rules }) => sum + rules.length, 20);
    this.#sets.set(key, { acl, weight });
    this.#weight += weight;
    for (const [oldest, { weight: freed }] of this.#sets) {
      if (this.#weight <= this.#maxRules) break;
      this.#sets.delete(oldest);
      this.#weight -= freed;
    }
  }
}
