import { RequestError } from '../../../../protocol/request-error.ts';
import { splitStatements } from '../../statement.ts';
import type { TriedUser } from '../plugin.ts';
import { atStatement, isRefusal, noSuchUser, orRemoveIt, type StatementsField } from '../statement-failure.ts';
import type { Client } from './clients.ts';
import { dialect } from './dialect.ts';
import { failureOf } from './failure.ts';
import { revokeHere, whoIs } from './revocation.ts';
import { lockOf } from './user-lock.ts';

/** Statements with their values, as they are sent. */
export type FilledStatements = Readonly<Record<Exclude<StatementsField, 'rotation_statements'>, readonly string[]>>;

/** SQLSTATE of what runs only outside of transactions: DROP DATABASE; a procedure that has a COMMIT. */
const outsideOnly = new Set<unknown>(['25001', '2D000']);
/** No transaction, or no such savepoint: a statement has ended the one or the other. */
const ended = new Set(['25P01', '3B001']);

/** What a list of statements came to. `untried`: from one of them on, as it runs outside of transactions only. */
type Outcome = 'done' | 'refused' | 'untried';

/**
 * Makes a user in a transaction that is rolled back, undoes it, renews it and removes it, each by its statements. Throws
 * RequestError with a text for each that does not work, or removes nobody.
 */
export async function tryUser(
  client: Client,
  user: TriedUser,
  statements: FilledStatements,
  secrets: readonly string[],
): Promise<void> {
  const trial = new Trial(client, secrets);
  try {
    await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${lockOf(user.name).join(', ')})`);
    await steps(trial, user, statements);
  } catch (error) {
    if (!(error instanceof TransactionEnded)) throw error;
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
  if (trial.problems.length > 0) throw new RequestError(400, trial.problems);
}

/**
 * Sets the password of a user who exists in a transaction that is rolled back. Statements that say anything of transactions
 * themselves are not tried: they could set it. Throws RequestError.
 */
export async function tryPassword(
  client: Client,
  name: string,
  statements: readonly string[],
  secrets: readonly string[],
): Promise<void> {
  if ((await whoIs(client, name)) === null) throw noSuchUser(name);
  if (statements.some((statement) => anyControl.test(statement))) return;
  const trial = new Trial(client, secrets);
  try {
    await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${lockOf(name).join(', ')})`);
    await trial.run('rotation_statements', statements);
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
  if (trial.problems.length > 0) throw new RequestError(400, trial.problems);
}

async function steps(trial: Trial, user: TriedUser, statements: FilledStatements): Promise<void> {
  if ((await trial.run('creation_statements', statements.creation_statements)) !== 'done') return;
  await trial.within('undone', async () => {
    await trial.run('rollback_statements', statements.rollback_statements);
  });
  await trial.run('renew_statements', statements.renew_statements);
  if (user.revocation.length === 0) {
    await trial.usualRevocation(user);
    return;
  }
  if ((await trial.run('revocation_statements', statements.revocation_statements)) !== 'done') return;
  const left = await whoIs(trial.client, user.name);
  if (left?.logsIn === true)
    trial.problems.push(`revocation_statements: they leave the user, who can still log in: ${orRemoveIt}`);
}

class TransactionEnded extends Error {}

/** The transaction, and what was refused in it. */
class Trial {
  readonly client: Client;
  readonly problems: string[] = [];
  readonly #secrets: readonly string[];

  constructor(client: Client, secrets: readonly string[]) {
    this.client = client;
    this.#secrets = secrets;
  }

  async run(field: StatementsField, statements: readonly string[]): Promise<Outcome> {
    for (const [index, statement] of statements.entries()) {
      const text = withoutTransaction(statement);
      if (text === null) return 'untried';
      const outcome = await this.#tried(atStatement(field, index), () => this.client.query(text), field);
      if (outcome !== 'done') return outcome;
    }
    return 'done';
  }

  /** Runs something, of which nothing stays. */
  async within(savepoint: string, work: () => Promise<void>): Promise<void> {
    await this.client.query(`SAVEPOINT secretctl_${savepoint}`);
    await work();
    await this.#inTransaction(this.client.query(`ROLLBACK TO SAVEPOINT secretctl_${savepoint}`));
  }

  async usualRevocation({ name, options }: TriedUser): Promise<void> {
    const { ownedObjects, reassignTo } = options;
    if (ownedObjects === 'reassign' && reassignTo !== '' && (await whoIs(this.client, reassignTo)) === null) {
      this.problems.push(
        `reassign_to: there is no role "${reassignTo}" in the database, so no user who owns something could be removed`,
      );
      return;
    }
    await this.#tried('the usual way to remove such a user', () => revokeHere(this.client, name, options));
  }

  async #tried(where: string, work: () => Promise<unknown>, field: StatementsField | null = null): Promise<Outcome> {
    await this.client.query('SAVEPOINT secretctl_statement');
    try {
      await work();
    } catch (error) {
      const outside = outsideOnly.has((error as { readonly code?: unknown }).code);
      // When they are due, these run by themselves; the others are in a transaction then, too.
      const isUntried = outside && (field === 'revocation_statements' || field === 'rollback_statements');
      const failure = failureOf(error, where, this.#secrets);
      if (!isRefusal(failure)) throw failure;
      if (!isUntried) this.problems.push(failure.message);
      await this.#inTransaction(this.client.query('ROLLBACK TO SAVEPOINT secretctl_statement'));
      return isUntried ? 'untried' : 'refused';
    }
    await this.#inTransaction(this.client.query('RELEASE SAVEPOINT secretctl_statement'));
    return 'done';
  }

  async #inTransaction(step: Promise<unknown>): Promise<void> {
    try {
      await step;
    } catch (error) {
      if (ended.has(String((error as { readonly code?: unknown }).code))) throw new TransactionEnded();
      throw error;
    }
  }
}

/**
 * A statement without the BEGIN and COMMIT that some have around it, as it runs in a transaction here that must not end.
 * Null: it does more with transactions, so it cannot be tried.
 */
function withoutTransaction(statement: string): string | null {
  const parts = splitStatements(statement, dialect);
  if (!parts.some((part) => control.test(part))) return statement;
  if (parts.some((part) => otherControl.test(part)) || /\bBEGIN\s+ATOMIC\b/i.test(statement)) return null;
  return parts.filter((part) => !control.test(part)).join(';\n');
}

/** What may come before the first word of a statement. */
const before = String.raw`^(?:\s|--[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)*`;
const otherControl = new RegExp(`${before}(?:ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE\\s+TRANSACTION)\\b`, 'i');
/** What may begin or end a transaction. */
export const anyControl = /\b(?:BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE)\b/i;
const control = new RegExp(
  `${before}(?:BEGIN|START\\s+TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE\\s+TRANSACTION)\\b`,
  'i',
);
