import type { View } from '../barrier/view.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import { isChainHash, type Head } from './chain.ts';

// What the store keeps of the audit log, in the core's view.
const keyPath = 'audit/key';
const anchorPath = 'audit/head';
const enabledFolder = 'audit/enabled/';

/** An enabled sink, as the store remembers it. Where it writes to stands in the settings only. */
export interface EnabledSink {
  readonly type: string;
  readonly description: string;
}

/** Makes a new store's audit key and enables its first sinks (name → type). */
export async function initializeAudit(
  view: View,
  { random, sinks }: { readonly random: Random; readonly sinks: readonly { readonly name: string; readonly type: string }[] },
): Promise<void> {
  await view.put(keyPath, random.bytes(32));
  for (const { name, type } of sinks) await putEnabledSink(view, name, { type, description: '' });
}

/** The key of the log's keyed hashes. Throws Fault `corrupt-record` where the store has none. */
export async function readAuditKey(view: View): Promise<Uint8Array> {
  const record = await view.get(keyPath);
  if (record === null) throw new Fault('corrupt-record', 'the store has no audit key, so nothing can be audited');
  return record.value;
}

/** Names of the enabled sinks, sorted. */
export async function enabledSinkNames(view: View): Promise<string[]> {
  return view.children(enabledFolder);
}

export async function getEnabledSink(view: View, name: string): Promise<EnabledSink | null> {
  return view.getJson<EnabledSink>(enabledFolder + name);
}

export async function putEnabledSink(view: View, name: string, sink: EnabledSink): Promise<void> {
  await view.putJson(enabledFolder + name, sink);
}

export async function deleteEnabledSink(view: View, name: string): Promise<void> {
  await view.delete(enabledFolder + name);
}

/**
 * What the store remembers of the log, or null: nothing yet. A log that is shorter, or has another line there, is not
 * the one this store wrote.
 */
export async function readAnchor(view: View): Promise<Head | null> {
  const head = await view.getJson<Head>(anchorPath);
  if (head !== null && !(Number.isSafeInteger(head.seq) && head.seq >= 0 && isChainHash(head.hash))) {
    throw new Fault('corrupt-record', 'the anchor of the audit log in the store is not of its form');
  }
  return head;
}

/** Remembers a head that is durable in the log. An earlier one than the remembered is ignored: an anchor never goes back. */
export async function writeAnchor(view: View, head: Head): Promise<void> {
  const known = await readAnchor(view);
  if (known === null || known.seq < head.seq) await view.putJson(anchorPath, { seq: head.seq, hash: head.hash });
}
