import type { Barrier } from '../barrier/barrier.ts';
import type { View } from '../barrier/view.ts';
import type { JsonObject } from '../base/json.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import type { AuditPort } from './ports.ts';
import { systemEntry } from './system-entry.ts';

/** Stands in the apply's own transaction: what the audit log must say of it, should the process die before it does. */
export interface CommittedApply {
  readonly id: string;
  /** The last line of the audit log before the apply began: its `apply-commit` can only stand after it. */
  readonly after: number;
  readonly facts: JsonObject;
  readonly changes: readonly string[];
}

const lastApply = 'apply/last';

/** Called in the transaction of the apply. */
export async function rememberApply(core: View, committed: CommittedApply): Promise<void> {
  await core.putJson(lastApply, committed);
}

/** Finds an entry of the audit log that names this apply, among the lines after `after`. */
export type FindCommitted = (applyId: string, after: number) => Promise<boolean>;

/** Completes the audit log where a crash fell between the commit of an apply and its entries. */
export async function completeApply(
  { store, audit, barrier }: { readonly store: TransactionalStore; readonly audit: AuditPort; readonly barrier: Barrier },
  findCommitted: FindCommitted,
): Promise<void> {
  const view = (tx: Transaction): View => barrier.view(tx, 'core');
  const committed = await store.read((tx) => view(tx).getJson<CommittedApply>(lastApply));
  if (committed === null) return;
  if (!(await findCommitted(committed.id, committed.after))) {
    const parts = inParts(committed.changes);
    const last = parts.pop() ?? [];
    await audit.append([
      ...parts.map((changes) => systemEntry({ event: 'apply-recovered', apply: committed.id, committed: changes })),
      { ...systemEntry({ ...committed.facts, recovered: true, committed: last }), type: 'apply-commit' },
    ]);
  }
  await store.transact((tx) => view(tx).delete(lastApply));
}

/** As many texts together as the facts of one entry show whole. */
function inParts(texts: readonly string[]): string[][] {
  const parts: string[][] = [];
  let room = 0;
  for (const text of texts) {
    room -= text.length + 8;
    if (room < 0) {
      parts.push([]);
      room = factCharacters - text.length;
    }
    parts.at(-1)?.push(text);
  }
  return parts;
}

const factCharacters = 32 * 1024;

/** Forgets the last apply, whose entries the audit log holds: a later start need not look for them. */
export async function forgetApply(core: View, applyId: string): Promise<void> {
  const committed = await core.getJson<CommittedApply>(lastApply);
  if (committed?.id === applyId) await core.delete(lastApply);
}
