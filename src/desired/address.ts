import { isIdentifier, isMountPath, isPathSegment } from '../base/name.ts';
import type { Kind, ResourceName } from '../kinds/kind.ts';
import { showText } from '../kinds/show.ts';

/** The paths of mounts by the kind that declares them. */
export type MountPaths = Readonly<Record<'SecretEngine' | 'AuthMethod', ReadonlySet<string>>>;

/** Why a text is not an address: a sentence, and the kinds or mounts among which the right one may be. */
export interface AddressProblem {
  readonly message: string;
  readonly word: string;
  readonly candidates: Iterable<string>;
}

/**
 * The address that `Kind/name` or `Kind/mount/name` means: what lives in a mount is resolved by the longest path of
 * `mounts` that fits. Where none fits and `anyMount` is set (an object whose mount is gone), all but the last segment is
 * taken for the mount, or the first one where a name may have several.
 */
export function parseAddress(
  text: string,
  kinds: ReadonlyMap<string, Kind>,
  mounts: MountPaths,
  anyMount = false,
): ResourceName | AddressProblem {
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) {
    return { message: `${showText(text)} is not an address (Kind/name or Kind/mount/name)`, word: '', candidates: [] };
  }
  const named = text.slice(0, slash);
  const rest = text.slice(slash + 1);
  const kind = kinds.get(named);
  if (kind === undefined) return { message: `unknown kind ${showText(named)}`, word: named, candidates: kinds.keys() };
  const mounted = kind.mountKind === null ? null : longestMount(rest, mounts[kind.mountKind]);
  if (kind.mountKind !== null && mounted === null && !(anyMount && rest.includes('/'))) {
    const word = rest.slice(0, Math.max(0, rest.lastIndexOf('/')));
    const message = `${showText(text)} names no declared mount: its address is ${kind.kind}/mount/name`;
    return { message, word, candidates: mounts[kind.mountKind] };
  }
  const mount = kind.mountKind === null ? null : (mounted ?? rest.slice(0, goneMountEnd(rest, kind)));
  const name = mount === null ? rest : rest.slice(mount.length + 1);
  const wrong = nameProblem(kind, name);
  return wrong === null ? { kind: kind.kind, mount, name } : { message: wrong, word: '', candidates: [] };
}

export function isAddressProblem(address: ResourceName | AddressProblem): address is AddressProblem {
  return 'message' in address;
}

function longestMount(rest: string, mounts: ReadonlySet<string>): string | null {
  for (let end = rest.lastIndexOf('/'); end > 0; end = rest.lastIndexOf('/', end - 1)) {
    const path = rest.slice(0, end);
    if (mounts.has(path)) return path;
  }
  return null;
}

function goneMountEnd(rest: string, { nameRule }: Kind): number {
  return nameRule === 'identifier' ? rest.lastIndexOf('/') : rest.indexOf('/');
}

/** What is wrong with a name of a kind, or null. A name that is not canonical is refused, never changed. */
export function nameProblem(kind: Kind, name: string): string | null {
  const reserved = kind.reservedNames ?? [];
  const isReserved = (text: string): boolean => reserved.some((word) => word.toLowerCase() === text.toLowerCase());
  const belongs = `the name ${showText(name)} belongs to the store`;
  switch (kind.nameRule) {
    case 'identifier':
      if (!isIdentifier(name)) return `the name ${showText(name)} must be ${identifierRule}`;
      return isReserved(name) ? belongs : null;
    case 'mountPath':
      if (!isMountPath(name))
        return `the name ${showText(name)} must be a path of segments joined by "/", each ${identifierRule}, or below the first "-" or "_" so followed`;
      return isReserved(name) || isReserved(name.slice(0, (name + '/').indexOf('/'))) ? belongs : null;
    case 'secretPath':
      if (!name.split('/').every(isPathSegment) || Buffer.byteLength(name) > 512) {
        return `the name ${showText(name)} must be a path of at most 512 bytes, without "\\", "*", empty segments, "." and ".."`;
      }
      return isReserved(name) ? belongs : null;
  }
}

const identifierRule = 'a letter or digit followed by letters, digits, ".", "_", "@" and "-" (at most 128)';

/** A text by which addresses can be compared and sorted: by kind, mount and name. */
export function addressKey({ kind, mount, name }: ResourceName): string {
  return `${kind}\u0000${mount ?? ''}\u0000${name}`;
}

export function compareAddresses(a: ResourceName, b: ResourceName): number {
  const left = addressKey(a);
  const right = addressKey(b);
  return left < right ? -1 : left > right ? 1 : 0;
}
