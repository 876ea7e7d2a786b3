import { RequestError } from '../protocol/request-error.ts';
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
  readonly check: Verification;
}

/**
 * Runs all checks, and gives what they say of what works. Throws one RequestError 400 that names each that failed, in
 * their order.
 */
export async function verifyAll(checks: readonly NamedVerification[]): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(within);
  const problems: (readonly string[])[] = checks.map(() => []);
  const warnings: string[][] = checks.map(() => []);
  const waiting = checks.entries();
  const worker = async (): Promise<void> => {
    for (const [index, { name, check }] of waiting) {
      try {
        signal.throwIfAborted();
        await check(signal, (text) => warnings[index]?.push(text));
      } catch (error) {
        const texts =
          error instanceof RequestError ? error.errors : [signal.aborted ? 'there was no time left for it' : 'internal error'];
        problems[index] = texts.map((text) => name + text);
      }
    }
  };
  await Promise.all(Array.from({ length: besideEachOther }, worker));
  const texts = problems.flat();
  if (texts.length > 0) throw new RequestError(400, texts);
  return warnings.flat();
}
