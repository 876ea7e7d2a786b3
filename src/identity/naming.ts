import { isFreeIdentifier } from '../base/name.ts';
import { badRequest } from '../protocol/request-error.ts';

/** Names that no entity or group has, in no case. */
export const reservedNames: readonly string[] = ['root', 'default'];
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;
const metadataKey = /^[A-Za-z0-9=/+_-]{1,128}$/;
const reservedPrefix = 'vault-';
const mostPairs = 64;
const longestValue = 512;
const longestAlias = 4096;

/** How many ids one list in a request may hold. */
const mostMembers = 10_000;
/** In how many groups one entity or group may directly be. */
export const mostGroups = 1_000;

/** Throws RequestError 400 unless `name` may be that of an entity or a group. */
export function checkName(what: 'entity' | 'group', name: string): void {
  if (isFreeIdentifier(name, reservedNames)) return;
  throw badRequest(
    `the name of ${what === 'entity' ? 'an entity' : 'a group'} has 1 to 128 letters, digits, ".", "_", "@" or "-", starts with a letter or digit and is none of ${reservedNames.join(', ')} in any case`,
  );
}

/** Throws RequestError 400 unless `name` may be what an auth method calls somebody: any text on one line. */
export function checkAliasName(name: string): void {
  if (name !== '' && name.length <= longestAlias && name.isWellFormed() && !controlCharacter.test(name)) return;
  throw badRequest(`an alias name is a text of 1 to ${longestAlias} characters without control characters`);
}

/** Throws RequestError 400 for metadata that is too much, or under names that other servers do not know. */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const entries = Object.entries(metadata);
  if (entries.length > mostPairs) throw badRequest(`metadata cannot contain more than ${mostPairs} key/value pairs`);
  for (const [key, value] of entries) {
    const refuse = (reason: string): never => {
      throw badRequest(`failed to load metadata pair with the key ${JSON.stringify(key.slice(0, 128))}: ${reason}`);
    };
    if (!metadataKey.test(key)) refuse('a key has 1 to 128 letters, digits, "=", "/", "+", "_" or "-"');
    if (key.startsWith(reservedPrefix)) refuse(`key prefix "${reservedPrefix}" is reserved for internal use`);
    if (value.length > longestValue) refuse(`value is too long (limit: ${longestValue} characters)`);
  }
}

/** Throws RequestError 400 for metadata of people's own that is too much, empty or not printable. */
export function checkCustomMetadata(metadata: Readonly<Record<string, string>>): void {
  const entries = Object.entries(metadata);
  const refuse = (reason: string): never => {
    throw badRequest(`custom_metadata validation failed: ${reason}`);
  };
  if (entries.length > mostPairs) {
    refuse(`payload must contain at most ${mostPairs} keys, provided ${entries.length}`);
  }
  for (const [key, value] of entries) {
    const shown = JSON.stringify(key.slice(0, 128));
    if (key === '' || key.length > 128) refuse(`length of key ${shown} is ${key.length} but must be 0 < len(key) <= 128`);
    if (value === '' || value.length > longestValue) {
      refuse(`length of value for key ${shown} is ${value.length} but must be 0 < len(value) <= ${longestValue}`);
    }
    if (controlCharacter.test(key) || controlCharacter.test(value))
      refuse(`key ${shown} or its value holds unprintable characters`);
  }
}

/** Throws RequestError 400 for a list that is too long; without duplicates otherwise, sorted. */
export function idSet(field: string, ids: readonly string[]): readonly string[] {
  if (ids.length > mostMembers) throw badRequest(`${field} holds more than ${mostMembers} ids`);
  return [...new Set(ids)].sort();
}
