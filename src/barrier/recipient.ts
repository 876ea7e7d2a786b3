import { wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import { ageIdentity } from '../crypto/age-identity.ts';
import { sealedOpener, type SealedOpener } from '../crypto/sealed-value.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { View } from './view.ts';

/**
 * The store's own age identity, for which secrets in a config repo are sealed. A record of the core at `recipient`,
 * `{generations: [{identity, recipient}, …]}`, oldest first: what was sealed for an older one still opens.
 */
interface RecipientRecord {
  readonly generations: readonly Generation[];
}

interface Generation {
  /** `AGE-SECRET-KEY-1…` */
  readonly identity: string;
  /** `age1…` */
  readonly recipient: string;
}

const path = 'recipient';

/** Makes the first identity; returns its public key. Throws Fault `already-initialized` where there is one. */
export async function createRecipient(view: View, random: Random): Promise<string> {
  if ((await read(view)).length > 0) {
    throw new Fault('already-initialized', 'the store already has an age identity', {
      hint: 'Rotate it: secretctl operator rotate -recipient.',
    });
  }
  return await rotateRecipient(view, random);
}

/** Adds a generation; returns its public key. */
export async function rotateRecipient(view: View, random: Random): Promise<string> {
  const generations = await read(view);
  const { identityToRecipient } = await import('age-encryption');
  const secret = random.bytes(32);
  const identity = ageIdentity(secret);
  wipe(secret);
  const recipient = await identityToRecipient(identity);
  const record: RecipientRecord = { generations: [...generations, { identity, recipient }] };
  await view.putJson(path, record);
  return recipient;
}

/** The public keys, newest first. */
export async function recipients(view: View): Promise<string[]> {
  return (await read(view)).map((generation) => generation.recipient).toReversed();
}

const othersPath = 'recipient-others';

/** For whom else blocks may be sealed anew: those who were named by whoever may decide that. */
export async function otherRecipients(view: View): Promise<readonly string[]> {
  return (await view.getJson<{ readonly recipients: readonly string[] }>(othersPath))?.recipients ?? [];
}

export async function setOtherRecipients(view: View, others: readonly string[]): Promise<void> {
  if (others.length === 0) await view.delete(othersPath);
  else await view.putJson(othersPath, { recipients: others });
}

/**
 * Opens blocks that were sealed for any generation of the identity, as the view's transaction sees them. The binding
 * of a payload is the caller's to check. Throws RequestError 400 where the store has no identity.
 */
export async function recipientOpener(view: View): Promise<SealedOpener> {
  const generations = await read(view);
  if (generations.length === 0) throw badRequest('the store has no age identity; make one: secretctl operator rotate -recipient');
  return await sealedOpener(generations.map((generation) => generation.identity).toReversed());
}

async function read(view: View): Promise<readonly Generation[]> {
  return (await view.getJson<RecipientRecord>(path))?.generations ?? [];
}
