import { instantText } from '../../base/instant.ts';
import type { JsonObject } from '../../base/json.ts';
import { randomUuid, type Random } from '../../base/random.ts';
import type { View } from '../../barrier/view.ts';
import type { RouteContext } from '../../core/mount-type.ts';
import { forgetDue, noteDue, type Subject } from './rotation-index.ts';

/**
 * A change of a password that is under way, at `rotation/<kind>/<name>`: it is durable before the database hears of the
 * new password, and forgotten in the commit that makes this the one that is given out. So whatever happens in between,
 * the password that the database wants is here or there. Times in milliseconds since the epoch.
 */
export interface Rotation {
  readonly id: string;
  readonly connection: string;
  readonly username: string;
  /** The new one. */
  readonly password: string;
  readonly begunAt: number;
  /** Not to be begun after this; null: it is wanted however late it is. */
  readonly until: number | null;
  /** How often it was tried since somebody last asked for it. */
  readonly attempts: number;
  /** Of the last try. Holds no secret. */
  readonly error: string | null;
  /** The database wants neither password: nobody but a person can help. Both are kept, and tried once a day. */
  readonly needsOperator: boolean;
  /** When it is tried next. */
  readonly dueAt: number;
}

/** What the beginning of a rotation needs of its surroundings. */
export interface Beginning {
  readonly storage: View;
  readonly now: number;
  readonly random: Random;
  /** A password of a policy; '': of the built-in one. Throws RequestError 400. */
  draw(policy: string): Promise<string>;
}

/** What is to be changed. */
export interface Wanted extends Pick<Rotation, 'connection' | 'username' | 'until'> {
  readonly subject: Subject;
  readonly policy: string;
  /** Where it waits in the index; null: it does not. */
  readonly waitsAt: number | null;
}

/** In a request. */
export function beginningOf(context: RouteContext): Beginning {
  const { storage, now, random, services } = context;
  return { storage, now, random, draw: (policy) => services.generatePassword(context, policy || null) };
}

const pathOf = ({ kind, name }: Subject): string => `rotation/${kind}/${name}`;

export async function rotationOf(storage: View, subject: Subject): Promise<Rotation | null> {
  return storage.getJson<Rotation>(pathOf(subject));
}

/**
 * Writes down that a password is to be changed, at once. One that is under way goes on, with the password that it has:
 * the database may have it already.
 */
export async function beginRotation(beginning: Beginning, wanted: Wanted): Promise<Rotation> {
  const { storage, now, random } = beginning;
  const { subject, connection, username, until, policy, waitsAt } = wanted;
  const before = await rotationOf(storage, subject);
  const password = before?.password ?? (await beginning.draw(policy));
  const at = before === null ? waitsAt : before.dueAt;
  if (at !== null) await forgetDue(storage, before?.connection ?? connection, at, subject);
  const rotation: Rotation = {
    id: before?.id ?? randomUuid(random),
    connection,
    username,
    password,
    begunAt: before?.begunAt ?? now,
    until,
    attempts: 0,
    error: null,
    needsOperator: before?.needsOperator ?? false,
    dueAt: now,
  };
  await storage.putJson(pathOf(subject), rotation);
  await noteDue(storage, connection, now, subject);
  return rotation;
}

/** It failed, and is tried again at `dueAt`. */
export async function noteFailure(
  storage: View,
  subject: Subject,
  rotation: Rotation,
  failure: Pick<Rotation, 'error' | 'needsOperator' | 'dueAt'>,
): Promise<void> {
  await forgetDue(storage, rotation.connection, rotation.dueAt, subject);
  await storage.putJson(pathOf(subject), { ...rotation, ...failure, attempts: rotation.attempts + 1 } satisfies Rotation);
  await noteDue(storage, rotation.connection, failure.dueAt, subject);
}

/** It is over, or given up: what becomes of its password is the caller's to say. */
export async function forgetRotation(storage: View, subject: Subject, rotation: Rotation): Promise<void> {
  await storage.delete(pathOf(subject));
  await forgetDue(storage, rotation.connection, rotation.dueAt, subject);
}

/** Those under way of a kind, a page in byte order of their names. */
export async function rotationsOf(
  storage: View,
  kind: Subject['kind'],
  page: { readonly after?: string; readonly limit?: number },
): Promise<readonly { readonly subject: Subject; readonly rotation: Rotation }[]> {
  const found: { subject: Subject; rotation: Rotation }[] = [];
  for (const name of await storage.children(`rotation/${kind}/`, page)) {
    const subject: Subject = { kind, name };
    const rotation = await rotationOf(storage, subject);
    if (rotation !== null) found.push({ subject, rotation });
  }
  return found;
}

/** How it stands, without its password; `error`: why there is none although it was due, or null. */
export function shownRotation(rotation: Rotation | null, error: string | null): JsonObject {
  if (rotation === null) return { state: 'idle', last_error: error };
  return {
    state: rotation.needsOperator ? 'needs-operator' : 'pending',
    since: instantText(rotation.begunAt),
    attempts: rotation.attempts,
    last_error: rotation.error,
    next_attempt: instantText(rotation.dueAt),
  };
}
