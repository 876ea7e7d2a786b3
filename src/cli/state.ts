import { Fault } from '../base/error.ts';
import { nearest } from '../base/nearest.ts';
import { nameProblem } from '../desired/address.ts';
import { addressText, type ApplyChange, type ManagedAddress, type ManagedRecord } from '../protocol/managed.ts';
import { seenDigest } from '../protocol/seen-digest.ts';
import { type ApplyLock, underApplyLock } from './apply-lock.ts';
import { type Command, type Options, targetOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { confirm } from './confirm.ts';
import { managing } from './managing.ts';
import { readLive } from './live-object.ts';
import { printJson } from './output.ts';
import { mounts, takeSnapshot } from './planning.ts';
import { type Session, withSession } from './session.ts';

export const list: Command = {
  path: ['state', 'list'],
  summary: 'List the managed objects',
  operands: '[PREFIX]',
  arity: { min: 0, max: 1 },
  description: 'Lists the addresses of all managed objects of the store, of every project, or those that start with PREFIX.',
  examples: [{ command: 'secretctl state list StaticSecret/', explanation: 'All managed secrets.' }],
  options: targetOptions,
  run: (context, [prefix = ''], options) =>
    withSession(context, options, ['state', 'list'], async (session) => {
      const records = (await managedRecords(session)).filter(({ address }) => addressText(address).startsWith(prefix));
      if (context.json)
        printJson(
          context,
          records.map(({ address, project }) => ({ address: addressText(address), project })),
        );
      else context.terminal.out(records.map(({ address }) => `${addressText(address)}\n`).join(''));
      return 0;
    }),
};

export const show: Command = {
  path: ['state', 'show'],
  summary: 'Show the record of a managed object',
  operands: 'ADDRESS',
  arity: { min: 1, max: 1 },
  description: 'Shows what was applied last, from which commit, and when. Values of secrets are not part of it.',
  examples: [{ command: 'secretctl state show Policy/payments-read', explanation: 'What was applied, and from where?' }],
  options: targetOptions,
  run: (context, [address = ''], options) =>
    withSession(context, options, ['state', 'show'], async (session) => {
      await showRecord(context, await recordAt(session, address));
      return 0;
    }),
};

/** Prints a record as YAML, the language in which it was declared. */
export async function showRecord(context: CliContext, record: ManagedRecord): Promise<void> {
  if (context.json) return printJson(context, { ...record, address: addressText(record.address) });
  const { stringify } = await import('yaml');
  const { address, project, commit, appliedAt, labels, protect, spec } = record;
  const head = {
    address: addressText(address),
    project,
    commit,
    appliedAt,
    ...(protect ? { protect } : {}),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
  context.terminal.out(stringify({ ...head, spec }, { lineWidth: 0 }));
}

export const forget: Command = {
  path: ['state', 'forget'],
  summary: 'Stop managing an object, and keep it',
  operands: 'ADDRESS',
  arity: { min: 1, max: 1 },
  description:
    'Removes the record of an object; the object stays as it is. In a repo that several people use, a Refactor document says the same with a review.',
  examples: [{ command: 'secretctl state forget StaticSecret/kv/old', explanation: 'Keep the secret, manage it no more.' }],
  options: { ...targetOptions, 'auto-approve': { type: 'flag', description: 'Do not ask.' } },
  run: (context, [operand = ''], options) =>
    underLock(context, options, ['state', 'forget'], async (session, lock) => {
      const record = await recordAt(session, operand);
      const address = addressText(record.address);
      if (!options.flag('auto-approve'))
        await lock.apart(() => confirm(context, `Do you want to manage ${address} no more? It stays as it is.`));
      await applyRecord(session, lock, record, { action: 'forget', address: record.address, record: null });
      context.terminal.out(context.json ? '{}\n' : `Success! ${address} is managed no more.\n`);
      return 0;
    }),
};

export const move: Command = {
  path: ['state', 'mv'],
  summary: 'Give a record another address, without touching the object',
  operands: 'FROM TO',
  arity: { min: 2, max: 2 },
  description:
    'Renames the record of an object that somebody has renamed in the store already; the object itself is not touched. To rename an object and its record together, ' +
    'write a Refactor document with a move: the plan shows it.',
  examples: [{ command: 'secretctl state mv Policy/pay Policy/payments-read', explanation: 'The record follows the object.' }],
  options: { ...targetOptions, 'auto-approve': { type: 'flag', description: 'Do not ask.' } },
  run: (context, [from = '', to = ''], options) =>
    underLock(context, options, ['state', 'mv'], async (session, lock) => {
      const record = await recordAt(session, from);
      const target = await targetOf(context, session, record.address, to);
      if (!options.flag('auto-approve'))
        await lock.apart(() =>
          confirm(context, `Do you want the record of ${addressText(record.address)} to become that of ${addressText(target)}?`),
        );
      const { spec, labels, protect } = record;
      await applyRecord(session, lock, record, {
        action: 'move',
        address: target,
        from: record.address,
        record: { spec, labels, protect },
      });
      context.terminal.out(context.json ? '{}\n' : `Success! ${addressText(record.address)} is ${addressText(target)} now.\n`);
      return 0;
    }),
};

/** As `withSession`, with the apply lock. */
function underLock(
  context: CliContext,
  options: Options,
  words: readonly string[],
  work: (session: Session, lock: ApplyLock) => Promise<number>,
): Promise<number> {
  return withSession(context, options, words, (session) =>
    underApplyLock(context, session, words.join(' '), (lock) => work(session, lock)),
  );
}

export async function managedRecords(session: Session): Promise<readonly ManagedRecord[]> {
  const { data } = await managing(session, session.request('read', 'sys/managed'));
  return (data?.records ?? []) as unknown as readonly ManagedRecord[];
}

/** The record of an address as a person types it. Throws Fault `usage` with the nearest one. */
export async function recordAt(session: Session, operand: string): Promise<ManagedRecord> {
  const records = await managedRecords(session);
  const found = records.find(({ address }) => addressText(address) === operand);
  if (found !== undefined) return found;
  const near = nearest(
    operand,
    records.map(({ address }) => addressText(address)),
  );
  throw new Fault('usage', `nothing is managed at ${operand}`, {
    hint: near === null ? 'See: secretctl state list' : `Did you mean ${near}?`,
  });
}

/**
 * `to`, understood as an address of the same kind and mount as `from`, at which the store has an object. Throws Fault
 * `usage`: a record of nothing, or of what can have no such name, would stand in the way of every later plan.
 */
async function targetOf(context: CliContext, session: Session, from: ManagedAddress, to: string): Promise<ManagedAddress> {
  const head = from.mount === null ? `${from.kind}/` : `${from.kind}/${from.mount}/`;
  if (!to.startsWith(head) || to === head)
    throw new Fault('usage', `a record keeps its kind and mount: the new address starts with ${head}`);
  const target = { ...from, name: to.slice(head.length) };
  const kind = (await context.kinds()).find((candidate) => candidate.kind === from.kind);
  if (kind === undefined) throw new Fault('usage', `this version of secretctl does not know the kind ${from.kind}`);
  const wrong = nameProblem(kind, target.name);
  if (wrong !== null) throw new Fault('usage', wrong);
  const { engines, methods } = await takeSnapshot(session, {});
  if ((await readLive(session, kind, target, { engines: mounts(engines), methods: mounts(methods) })) === null)
    throw new Fault('usage', `there is no ${to} in the store, and state mv moves the record only`, {
      hint: 'To rename the object itself, write a Refactor document with a move and apply it.',
    });
  return target;
}

/** An apply of one change that touches the record only. */
async function applyRecord(
  session: Session,
  lock: ApplyLock,
  record: ManagedRecord,
  change: Pick<ApplyChange, 'action' | 'address' | 'from' | 'record'>,
): Promise<void> {
  const { storeId, revision } = await takeSnapshot(session, {});
  await lock.apply({
    project: record.project,
    storeId,
    base: revision,
    commit: record.commit,
    planDigest: record.digest,
    changes: [{ ...change, reads: [], seen: seenDigest([]), requests: [] }],
  });
}
