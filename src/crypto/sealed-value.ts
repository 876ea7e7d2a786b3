import { fromUtf8, utf8, wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { isJsonObject, nestsAtMost } from '../base/json.ts';
import type { SealedPayload } from '../protocol/managed.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Decrypter } from 'age-encryption';
import { armor, dearmor } from './age-armor.ts';
import { agePrivateKey } from './age-identity.ts';

/** The longest value that may be sealed: bytes of its JSON. */
export const maxSealedBytes = 1024 * 1024;

const maxPayloadBytes = maxSealedBytes + 4 * 1024;
// What that many bytes become as an armoured age file with a large header.
const maxBlockLength = 1_572_864;
const maxHeaderBytes = 64 * 1024;
const maxRecipients = 32;
const maxDepth = 64;

/** Can a value be sealed for it? */
export async function isRecipient(text: string): Promise<boolean> {
  const { Encrypter } = await import('age-encryption');
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * A value sealed for a store: an armoured age file (C2SP age v1) that each of the recipients can open, and the `age`
 * program too. Its plaintext is the payload's JSON, which binds the value to one field of one document. Throws Fault
 * `usage` for no or a malformed recipient, and `value-too-large` over 1 MiB.
 */
export async function sealValue(recipients: readonly string[], payload: SealedPayload): Promise<string> {
  const { address, field, value } = payload;
  if (Buffer.byteLength(JSON.stringify(value)) > maxSealedBytes) {
    throw new Fault('value-too-large', 'the value is longer than 1 MiB', {
      hint: 'Keep large files elsewhere, and seal the key that opens them.',
    });
  }
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  if (recipients.length === 0 || recipients.length > maxRecipients) {
    throw new Fault('usage', `a value is sealed for 1 to ${maxRecipients} recipients, not for ${recipients.length}`, {
      hint: 'List the public key of each store under `recipients` of the Project; `secretctl init` prints it.',
    });
  }
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch {
      throw malformedRecipient(recipient);
    }
  }
  const plaintext = utf8(JSON.stringify({ v: 1, address, field, value }));
  try {
    return armor(await encrypter.encrypt(plaintext));
  } finally {
    wipe(plaintext);
  }
}

/** Opens sealed blocks; see `sealedOpener`. */
export type SealedOpener = (block: string) => Promise<SealedPayload>;

/**
 * Opens blocks that were sealed for one of the identities (`AGE-SECRET-KEY-1…`). Whoever opens many keeps the opener,
 * since preparing the identities costs more than opening a block. It throws RequestError 400 for text that is no
 * armoured age file, is damaged or too large, was sealed for none of the identities, or holds something else than a
 * payload. No message quotes what it held.
 */
export async function sealedOpener(identities: readonly string[]): Promise<SealedOpener> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(await agePrivateKey(identity));
  return async (block) => {
    if (block.length > maxBlockLength) throw refused('the sealed block is larger than any that secretctl makes');
    const file = dearmor(block);
    if (file === null) {
      throw refused('this is not an armoured age block (-----BEGIN AGE ENCRYPTED FILE----- …); make one with: secretctl encrypt');
    }
    assertModestHeader(file);
    const plaintext = await decrypted(decrypter, file);
    try {
      return parsePayload(plaintext);
    } finally {
      wipe(plaintext);
    }
  };
}

async function decrypted(decrypter: Decrypter, file: Uint8Array): Promise<Uint8Array> {
  try {
    return await decrypter.decrypt(file);
  } catch (error) {
    // The package has no error types; its version is pinned and a test watches this sentence.
    if (error instanceof Error && error.message === "no identity matched any of the file's recipients") {
      throw refused('the sealed block was not made for this store; seal the value for it: secretctl encrypt');
    }
    throw refused('the sealed block is damaged; seal the value again: secretctl encrypt');
  }
}

/** The payload in the plaintext of a block. Throws RequestError 400 for anything else; the message quotes nothing of it. */
export function parsePayload(plaintext: Uint8Array): SealedPayload {
  const bare = 'a bare age block: what it holds is not bound to an address and field';
  if (plaintext.byteLength > maxPayloadBytes) throw refused('the sealed block holds more than 1 MiB');
  let parsed: unknown;
  try {
    parsed = JSON.parse(fromUtf8(plaintext));
  } catch {
    throw refused(`this is ${bare}; seal the value with: secretctl encrypt`);
  }
  if (!isJsonObject(parsed) || !Object.hasOwn(parsed, 'v'))
    throw refused(`this is ${bare}; seal the value with: secretctl encrypt`);
  if (parsed.v !== 1)
    throw refused('the sealed block is in a form that this version does not know; seal the value again: secretctl encrypt');
  const { address, field, value } = parsed;
  if (Object.keys(parsed).length !== 4 || !isAddress(address) || typeof field !== 'string' || value === undefined) {
    throw refused('the sealed block holds a malformed payload; seal the value again: secretctl encrypt');
  }
  if (!nestsAtMost(value, maxDepth)) throw refused(`the sealed value is nested more than ${maxDepth} levels deep`);
  return { v: 1, address, field, value };
}

function isAddress(value: unknown): value is SealedPayload['address'] {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [kind, mount, name] = value as unknown[];
  return typeof kind === 'string' && (mount === null || typeof mount === 'string') && typeof name === 'string';
}

/** Each stanza costs a scalar multiplication for each identity, so their number is bounded before any is tried. */
function assertModestHeader(file: Uint8Array): void {
  const start = Buffer.from(file.buffer, file.byteOffset, Math.min(file.byteLength, maxHeaderBytes)).toString('latin1');
  const end = start.indexOf('\n---');
  if (end < 0) throw refused('the sealed block is damaged; seal the value again: secretctl encrypt');
  if (start.slice(0, end).split('\n-> ').length - 1 > maxRecipients) {
    throw refused(`the sealed block is for more than ${maxRecipients} recipients`);
  }
}

function malformedRecipient(recipient: string): Fault {
  // What is no public key might be a secret one: it is not shown.
  const shown = /^age1[0-9a-z]+$/.test(recipient) ? `${recipient.slice(0, 16)}…` : 'one of them';
  return new Fault('usage', `not a recipient that a value can be sealed for: ${shown}`, {
    hint: 'A recipient is the public key that `secretctl init` prints: age1… .',
  });
}

function refused(message: string): RequestError {
  return new RequestError(400, message);
}
