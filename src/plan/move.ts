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
  readonly problems: readonly PlanProblem[];
}

type Kinds = ReadonlyMap<string, { readonly kind: Kind }>;

/**
 * Where the moves of the Refactor documents take what records stand for. A move is pending while a record is at its
 * `from`, which no document declares; once the record is at `to`, the entry is history. The move of a mount takes
 * along what lives in it.
 */
export function currentAddresses(records: readonly ManagedRecord[], moves: readonly Move[], kinds: Kinds): CurrentAddresses {
  const byKey = new Map<string, CurrentAddress>();
  const problems: PlanProblem[] = [];
  // By their texts: of a mount that is gone, nothing tells an entry where its path ended.
  const moveFrom = new Map(moves.map((move) => [addressText(move.from), move]));
  const mountMoves = movedMounts(records, moveFrom, kinds);
  for (const record of records) {
    const origin = bareAddress(record.address);
    const mountKind = kinds.get(origin.kind)?.kind.mountKind ?? null;
    const mount = mountKind === null || origin.mount === null ? undefined : mountMoves.get(mountKey(mountKind, origin.mount));
    const via = mount === undefined ? origin : { ...origin, mount };
    // The entry may name the object as it was or, where its mount moves too, as it is in the moved mount.
    const move = moveFrom.get(addressText(origin)) ?? moveFrom.get(addressText(via));
    const address = move === undefined ? via : bareAddress(move.to);
    const key = addressKey(address);
    const other = byKey.get(key);
    if (other === undefined) byKey.set(key, { record, origin, via, address });
    else problems.push(conflict(address, [other.origin, origin], move));
  }
  return { byKey, problems };
}

function mountKey(mountKind: string, path: string): string {
  return `${mountKind}\n${path}`;
}

/** Where each mount that moves goes, by kind and path. */
function movedMounts(
  records: readonly ManagedRecord[],
  moveFrom: ReadonlyMap<string, Move>,
  kinds: Kinds,
): ReadonlyMap<string, string> {
  const moved = new Map<string, string>();
  if (moveFrom.size === 0) return moved;
  for (const { address } of records) {
    const move = kinds.get(address.kind)?.kind.mount === undefined ? undefined : moveFrom.get(addressText(address));
    if (move !== undefined) moved.set(mountKey(address.kind, address.name), move.to.name);
  }
  return moved;
}

function conflict(address: ResourceName, from: readonly [ResourceName, ResourceName], move: Move | undefined): PlanProblem {
  const [first, second] = from.map(addressText).sort();
  return {
    code: 'move-conflict',
    address,
    message: `${first} and ${second} would both be ${addressText(address)}`,
    hint: 'move only one of them there; `secretctl state list` shows what the store has',
    place: move?.locate() ?? null,
  };
}
