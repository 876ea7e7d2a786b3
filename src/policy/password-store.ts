import type { Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import { badRequest } from '../protocol/request-error.ts';
import { builtInRules, drawPassword, parsePasswordPolicy, type PasswordPolicy } from './password.ts';

/** The record `policy/password/<name>` of the core's view, as JSON: the text as it was sent, and what it says. */
export interface PasswordPolicyRecord {
  readonly format: 1;
  readonly text: string;
  readonly policy: PasswordPolicy;
}

const folder = 'policy/password/';
/** A policy that none of so many candidates fits is refused … */
const triesWhenWritten = 10_000;
/** … so that one which was accepted practically never fails to give a password. */
const tries = 200_000;

export async function getPasswordPolicy(core: View, name: string): Promise<PasswordPolicyRecord | null> {
  return core.getJson<PasswordPolicyRecord>(folder + name);
}

/** Stores a policy that was tried out. Throws HclError for its text, RequestError 400 where hardly any candidate fits it. */
export async function putPasswordPolicy(core: View, name: string, text: string, random: Random): Promise<void> {
  const policy = parsePasswordPolicy(text);
  if ((await drawPassword(policy, random, triesWhenWritten)) === null) {
    throw badRequest(
      `the rules fit none of ${triesWhenWritten} passwords of ${policy.length} characters: ask for fewer min-chars, or for more characters`,
    );
  }
  const record: PasswordPolicyRecord = { format: 1, text, policy };
  await core.putJson(folder + name, record);
}

export async function deletePasswordPolicy(core: View, name: string): Promise<void> {
  await core.delete(folder + name);
}

/** In byte order; `page` as View.children takes it. */
export async function passwordPolicyNames(
  core: View,
  page: { readonly after?: string; readonly limit?: number },
): Promise<string[]> {
  return core.children(folder, page);
}

/** Where no policy is named: 20 characters. */
const builtIn: PasswordPolicy = { length: 20, rules: builtInRules };

/** A password of a stored policy, or of the built-in one. Throws RequestError 400 for an unknown policy. */
export async function generatePassword(core: View, name: string | null, random: Random): Promise<string> {
  const record = name === null ? { policy: builtIn } : await getPasswordPolicy(core, name);
  if (record === null) throw badRequest(`there is no password policy ${JSON.stringify(name)}`);
  const password = await drawPassword(record.policy, random, tries);
  if (password === null) throw badRequest(`the rules of the password policy ${JSON.stringify(name)} fit hardly any password`);
  return password;
}
