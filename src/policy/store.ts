import { fromUtf8 } from '../base/bytes.ts';
import { isIdentifier } from '../base/name.ts';
import type { View } from '../barrier/view.ts';
import { runOf } from '../core/corridor.ts';
import type { Acl } from '../core/caller.ts';
import type { PolicyPort } from '../core/ports.ts';
import { pendingVersion } from '../storage/transaction.ts';
import { compileAcl, PolicySet, rootAcl } from './acl.ts';
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

/** Compiled policies by their names. */
interface KnownSet {
  readonly set: PolicySet;
  /** Names that no policy had. This is asked again at each use, since whoever deleted one may not have committed. */
  readonly absent: readonly string[];
}

/** A set for one identity. */
interface OwnAcl {
  readonly set: PolicySet;
  readonly acl: Acl;
}

/**
 * The policies of a store, for its core. Remembers compiled sets of one generation, up to about `maxRules` rules, and as
 * many of those for single identities.
 */
export function createPolicies(maxRules = 200_000): PolicyPort {
  const sets = new CompiledCache<KnownSet>(maxRules);
  const own = new CompiledCache<OwnAcl>(maxRules);
  const setOf = async (core: View, names: readonly string[], key: string, generation: number): Promise<PolicySet> => {
    const cached = sets.get(key, generation);
    if (cached !== undefined && (await areAbsent(core, cached.absent))) return cached.set;
    const { policies, absent, settled } = await load(core, names);
    const set = new PolicySet(policies);
    const rules = policies.reduce((sum, policy) => sum + policy.rules.length, 0);
    if (settled) sets.put(key, generation, { set, absent }, rules);
    return set;
  };
  return {
    async acl(core, names, generation, identity) {
      const given = new Set(names);
      if (given.has('root')) return given.size === 1 ? rootAcl : compileAcl([]);
      // A stored token may carry a name from before the rule for names: it grants nothing and never becomes a path.
      const known = [...given].filter(isIdentifier).sort();
      const key = known.join('\n');
      const set = await setOf(core, known, key, generation);
      if (identity === null || set.templatedRules === 0) return set.acl(null);
      const ownKey = identity.stamp === null ? null : `${key}\n\n${identity.stamp}`;
      const cached = ownKey === null ? undefined : own.get(ownKey, generation);
      if (cached?.set === set) return cached.acl;
      const acl = set.acl(identity);
      if (ownKey !== null) own.put(ownKey, generation, { set, acl }, set.templatedRules);
      return acl;
    },
    generatePassword: (context, policy) => generatePassword(runOf(context).core, policy, context.random),
    generateFromCharset,
  };
}

async function areAbsent(core: View, names: readonly string[]): Promise<boolean> {
  for (const name of names) if ((await core.get(folder + name)) !== null) return false;
  return true;
}

/** `settled`: no policy was found as this very transaction wrote it, which may yet come to nothing. */
async function load(
  core: View,
  names: readonly string[],
): Promise<{ readonly policies: readonly Policy[]; readonly absent: readonly string[]; readonly settled: boolean }> {
  const policies: Policy[] = [];
  const absent: string[] = [];
  let settled = true;
  for (const name of names) {
    const fixed = builtIn.get(name);
    const record = fixed === undefined ? await core.get(folder + name) : null;
    if (fixed !== undefined) policies.push({ name, rules: fixed.rules });
    else if (record === null) absent.push(name);
    else {
      if (record.version === pendingVersion) settled = false;
      policies.push({ name, rules: (JSON.parse(fromUtf8(record.value)) as PolicyRecord).rules });
    }
  }
  return { policies, absent, settled };
}

/** What was compiled, by a key. Another generation empties it; an older one, of a transaction that began earlier, is not kept. */
class CompiledCache<T> {
  readonly #maxRules: number;
  readonly #compiled = new Map<string, { readonly value: T; readonly weight: number }>();
  #generation = 0;
  #weight = 0;

  constructor(maxRules: number) {
    this.#maxRules = maxRules;
  }

  get(key: string, generation: number): T | undefined {
    if (generation !== this.#generation) return undefined;
    const found = this.#compiled.get(key);
    if (found === undefined) return undefined;
    this.#compiled.delete(key);
    this.#compiled.set(key, found);
    return found.value;
  }

  put(key: string, generation: number, value: T, rules: number): void {
    // One of the transaction itself (pendingVersion) is older than any: what is not committed may come to nothing.
    if (generation < this.#generation) return;
    if (generation > this.#generation) {
      this.#compiled.clear();
      this.#generation = generation;
      this.#weight = 0;
    }
    this.#weight -= this.#compiled.get(key)?.weight ?? 0;
    this.#compiled.delete(key);
    // The 20 stand for the entry itself, so that many small ones are bounded too.
    const weight = rules + 20;
    this.#compiled.set(key, { value, weight });
    this.#weight += weight;
    for (const [oldest, { weight: freed }] of this.#compiled) {
      if (this.#weight <= this.#maxRules) break;
      this.#compiled.delete(oldest);
      this.#weight -= freed;
    }
  }
}
