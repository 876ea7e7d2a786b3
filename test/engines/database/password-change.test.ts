import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TargetUnavailable } from '../../../src/core/lease.ts';
import { changePassword, type Outcome } from '../../../src/engines/database/password-change.ts';
import { RequestError } from '../../../src/protocol/request-error.ts';
import { runs } from '../../lease/property.ts';

/** What goes wrong at one call: nothing, the call never arrives, its answer is lost, or it is refused. */
type Fault = 'none' | 'lost' | 'unanswered' | 'refused';

/** A database with one user, at which calls go wrong as a list of faults says; then all goes well. */
class Database {
  password: string;
  readonly #faults: Fault[];

  constructor(password: string, faults: readonly Fault[]) {
    this.password = password;
    this.#faults = [...faults];
  }

  set(to: string): Promise<void> {
    return this.#call(() => {
      this.password = to;
    });
  }

  letsIn(password: string): Promise<boolean> {
    return this.#call(() => this.password === password, false);
  }

  #call<T>(work: () => T, refusable = true): Promise<T> {
    const fault = this.#faults.shift() ?? 'none';
    if (fault === 'lost') return Promise.reject(new TargetUnavailable(500, 'no way to it'));
    if (fault === 'refused' && refusable) return Promise.reject(new RequestError(500, 'it does not like that'));
    const result = work();
    return fault === 'unanswered' ? Promise.reject(new TargetUnavailable(500, 'no answer')) : Promise.resolve(result);
  }
}

/** One try; null: the database did not answer. */
async function attempt(database: Database, old: string | null, fresh: string, begins = true): Promise<Outcome['holds'] | null> {
  try {
    const set = begins ? () => database.set(fresh) : null;
    return (await changePassword({ old, fresh, set, letsIn: (password) => database.letsIn(password) })).holds;
  } catch (error) {
    if (error instanceof TargetUnavailable) return null;
    throw error;
  }
}

describe('a change of a password', () => {
  const faults = fc.array(fc.constantFrom<Fault>('none', 'lost', 'unanswered', 'refused'), { maxLength: 12 });

  it('says of a password that it holds only where it does, whatever is lost on the way', async () => {
    await fc.assert(
      fc.asyncProperty(faults, fc.constantFrom('old', 'by hand'), fc.boolean(), async (list, present, begins) => {
        const database = new Database(present, list);
        for (let tries = 0; tries < 14; tries++) {
          const holds = await attempt(database, 'old', 'fresh', begins);
          if (holds === null) continue;
          expect(holds).toBe(['old', 'fresh'].includes(database.password) ? database.password : 'none');
          return;
        }
        expect.unreachable('it never came to an end');
      }),
      runs(300, 5000),
    );
  });

  it('is done at last where it is tried again, and never keeps a password that the database does not want', async () => {
    await fc.assert(
      fc.asyncProperty(faults, fc.boolean(), async (list, known) => {
        const database = new Database('old', list);
        // What is stored, and what is written down: one of them is always right.
        const stored = known ? 'old' : null;
        for (let tries = 0; tries < 14; tries++) {
          const holds = await attempt(database, stored, 'fresh');
          expect(['old', 'fresh']).toContain(database.password);
          if (holds !== 'fresh') continue;
          expect(database.password).toBe('fresh');
          return;
        }
        expect.unreachable('it never came to an end');
      }),
      runs(300, 5000),
    );
  });

  it('tells what is wrong of which no secret is part', async () => {
    const change = { old: 'old', fresh: 'fresh', letsIn: () => Promise.resolve(false) };
    const set = (): Promise<void> => Promise.reject(new TypeError('a defect that quotes fresh'));
    expect(await changePassword({ ...change, set })).toMatchObject({
      holds: 'none',
      problem: { message: 'the database wants neither the old password nor the new one: internal error' },
    });
    expect(await changePassword({ ...change, old: null, set: () => Promise.resolve() })).toMatchObject({
      holds: 'unknown',
      problem: { message: 'the database does not let the user in with the new password' },
    });
  });
});
