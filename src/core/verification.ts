import { RequestError } from '../protocol/request-error.ts';
import { TargetUnavailable } from './lease.ts';
import type { Verification } from './mount-type.ts';

/** How long all checks of one request, or of one apply, may take together, and how many run beside each other. */
const within = 60_000;
const besideEachOther = 8;

/** Ends a transaction that was only there to see what it would write: nothing of it is kept. */
export class Rehearsed<T> extends Error {
  readonly seen: T;

  constructor(seen: T) {
    super('a rehearsal keeps nothing');
    this.seen = seen;
  }
}

/** What a rehearsal has seen. Throws what it threw otherwise. */
export async function seenIn<T>(rehearsal: Promise<never>): Promise<T> {
  try {
    return await rehearsal;
  } catch (error) {
    if (error instanceof Rehearsed) return error.seen as T;
    throw error;
  }
}

/** A check, and what its failure is reported as. */
export interface NamedVerification {
  /** What the text of a failure begins with; ''. */
  readonly name: string;
  /** And where it could not be tried, as what it asks does not answer; absent: the same. */
  readonly untried?: string;
  /** What others call it; absent: nothing. */
  readonly about?: string;
  readonly check: Verification;
}

/** What a check rests on does not work, so all others that rest on it fail alike: the cause is told once, with how many do. */
export class SharedFailure extends RequestError {
  /** The same for all that rest on the same. */
  override readonly cause: RequestError;
  readonly key: string;
  /** The check is that of the thing itself on which others rest. */
  readonly isOwn: boolean;

  constructor(key: string, isOwn: boolean, message: string, cause: RequestError) {
    super(400, message);
    this.cause = cause;
    this.key = key;
    this.isOwn = isOwn;
  }
}

/**
 * Runs all checks, and gives what they say of what works. Throws one RequestError 400 that names each that failed, in
 * their order.
 */
export async function verifyAll(checks: readonly NamedVerification[]): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(within);
  const failures: unknown[] = checks.map(() => null);
  const warnings: string[][] = checks.map(() => []);
  const waiting = checks.entries();
  const worker = async (): Promise<void> => {
    for (const [index, { check }] of waiting) {
      try {
        signal.throwIfAborted();
        await check(signal, (text) => warnings[index]?.push(text));
      } catch (error) {
        const late = new TargetUnavailable(400, 'there was no time left for it');
        failures[index] = error instanceof RequestError || !signal.aborted ? error : late;
      }
    }
  };
  await Promise.all(Array.from({ length: besideEachOther }, worker));
  const shared = sharedIn(checks, failures);
  const texts = checks.flatMap((check, index) => textsOf(check, failures[index], shared));
  if (texts.length > 0) throw new RequestError(400, texts);
  return warnings.flat();
}

/** A failure that others share, and what the check is called. */
interface Shared {
  readonly about: string | undefined;
  readonly failure: SharedFailure;
}

/** Those that rest on the same, and which of them tells it: that of the thing itself, else the first. */
interface Alike {
  teller: SharedFailure;
  readonly all: Shared[];
}

/** By the key of what they rest on. */
function sharedIn(checks: readonly NamedVerification[], failures: readonly unknown[]): ReadonlyMap<string, Alike> {
  const shared = new Map<string, Alike>();
  for (const [index, { about }] of checks.entries()) {
    const failure = failures[index];
    if (!(failure instanceof SharedFailure)) continue;
    const alike = shared.get(failure.key);
    if (alike === undefined) shared.set(failure.key, { teller: failure, all: [{ about, failure }] });
    else {
      alike.all.push({ about, failure });
      if (failure.isOwn && !alike.teller.isOwn) alike.teller = failure;
    }
  }
  return shared;
}

/** How a failure is told: nothing of one whose cause another tells. */
function textsOf(
  { name, untried = name }: NamedVerification,
  failure: unknown,
  shared: ReadonlyMap<string, Alike>,
): readonly string[] {
  if (failure === null) return [];
  if (!(failure instanceof RequestError)) return [`${name}internal error`];
  if (!(failure instanceof SharedFailure)) {
    return failure.errors.map((text) => `${failure instanceof TargetUnavailable ? untried : name}${text}`);
  }
  const alike = shared.get(failure.key);
  if (alike?.teller !== failure) return [];
  const others = alike.all.flatMap(({ about, failure: other }) => (other === failure || about === undefined ? [] : [about]));
  const rest =
    others.length === 0
      ? ''
      : ` (${others.length === 1 ? 'another one needs' : `${others.length} others need`} it: ${others.join(', ')})`;
  return [`${failure.cause instanceof TargetUnavailable ? untried : name}${failure.message}${rest}`];
}
