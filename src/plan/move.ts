import type { Move } from '../desired/refactor.ts';
import type { Kind, ResourceName } from '../kinds/kind.ts';
import { addressText, type ManagedRecord } from '../protocol/managed.ts';
import { addressKey, bareAddress } from './address.ts';
import type { PlanProblem } from './problem.ts';

/** Where the object of a record is now, and where the moves that are pending take it. */
export interface CurrentAddress {
  readonly record: ManagedRecord;
  readonly origin: ResourceName;
  /** After the move of its mount. */
  readonly via: ResourceName;
  readonly address: ResourceName;
}

export interface CurrentAddresses {
  /** By the key of `address`. */
  readonly byKey: ReadonlyMap<string, CurrentAddress>;
  /** Does what is live at this address move away? */
  vacated(address: ResourceName, kind: Kind): boolean;
  readonly problems: readonly PlanProblem[];
}

/**
 * Follows the moves of the Refactor documents from the records' addresses. A move is pending while a record stands at
 * its `from`; once the record is at `to`, the entry is history. The move of a mount takes along what lives in it.
 */
export function currentAddresses(
  records: readonly ManagedRecord[],
  moves: readonly Move[],
  kinds: ReadonlyMap<string, { readonly kind: Kind }>,
): CurrentAddresses {
  const byKey = new Map<string, CurrentAddress>();
  const problems: PlanProblem[] = [];
  const moveFrom = new Map(moves.map((move) => [addressKey(move.from), move]));
  const mountMoves = movedMounts(records, moveFrom, kinds);
  const left = new Set<string>();
  const mountOf = (address: ResourceName, kind: Kind | undefined): string | undefined =>
    kind === undefined || kind.mountKind === null || address.mount === null
      ? undefined
      : mountMoves.get(mountKey(kind.mountKind, address.mount));

  for (const record of records) {
    const origin = bareAddress(record.address);
    const mount = mountOf(origin, kinds.get(origin.kind)?.kind);
    const via = mount === undefined ? origin : { ...origin, mount };
    const start = moveFrom.has(addressKey(origin)) ? origin : via;
    const { address, move } = follow(start, moveFrom);
    const key = addressKey(address);
    const other = byKey.get(key);
    if (other === undefined) byKey.set(key, { record, origin, via, address });
    else problems.push(conflict(address, [other.origin, origin], move));
    if (address !== origin) left.add(addressKey(origin));
  }
  return { byKey, problems, vacated: (address, kind) => left.has(addressKey(address)) || mountOf(address, kind) !== undefined };
}

function mountKey(mountKind: string, path: string): string {
  return `${mountKind}\n${path}`;
}

/** Where each mount that moves goes, by kind and path. */
function movedMounts(
  records: readonly ManagedRecord[],
  moveFrom: ReadonlyMap<string, Move>,
  kinds: ReadonlyMap<string, { readonly kind: Kind }>,
): ReadonlyMap<string, string> {
  const moved = new Map<string, string>();
  if (moveFrom.size === 0) return moved;
  for (const { address } of records) {
    if (kinds.get(address.kind)?.kind.mount === undefined) continue;
    const end = follow(address, moveFrom).address;
    if (end.name !== address.name) moved.set(mountKey(address.kind, address.name), end.name);
  }
  return moved;
}

/** The end of a chain of moves. Moves in a circle end where they began. */
function follow(start: ResourceName, moveFrom: ReadonlyMap<string, Move>): { address: ResourceName; move: Move | null } {
  let address = start;
  let last: Move | null = null;
  const seen = new Set<string>();
  for (let move = moveFrom.get(addressKey(address)); move !== undefined; move = moveFrom.get(addressKey(address))) {
    const key = addressKey(address);
    if (seen.has(key)) return { address: start, move };
    seen.add(key);
    address = bareAddress(move.to);
    last = move;
  }
  return { address, move: last };
}

function conflict(address: ResourceName, from: readonly [ResourceName, ResourceName], move: Move | null): PlanProblem {
  const [first, second] = from.map(addressText).sort();
  return {
    code: 'move-conflict',
    address,
    message: `${first} and ${second} would both be ${addressText(address)}`,
    hint: 'move only one of them there; `secretctl state list` shows what the store has',
    place: move?.locate() ?? null,
  };
}
