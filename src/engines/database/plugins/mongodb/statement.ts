import { isJsonObject, type Json, type JsonObject } from '../../../../base/json.ts';
import { badRequest, RequestError } from '../../../../protocol/request-error.ts';
import type { StatementProblem, StatementUse } from '../plugin.ts';
import { statementFields } from '../sql-statements.ts';

/** A role as `createUser` takes it: by its name alone it is one of the user's own database. */
export type GivenRole = string | { readonly role: string; readonly db: string };

/** Where a user is made, and what it may do. */
export interface Creation {
  readonly db: string;
  readonly roles: readonly GivenRole[];
}

/** Where users are, unless a statement says otherwise. */
export const defaultDatabase = 'admin';

const mostRoles = 100;

/**
 * Reads the one creation statement of a role: `{"db": "admin", "roles": ["read", {"role": "readWrite", "db": "shop"}]}`.
 * Throws RequestError 400.
 */
export function parseCreation(statements: readonly string[]): Creation {
  const [statement, ...rest] = statements;
  if (statement === undefined) throw badRequest('a role of a MongoDB database needs a creation statement');
  if (rest.length > 0) throw badRequest(`a role of a MongoDB database has one creation statement, not ${statements.length}`);
  const { db, roles } = membersOf('creation_statements', statement, ['db', 'roles']);
  if (!Array.isArray(roles) || roles.length === 0 || roles.length > mostRoles) {
    throw badRequest(`creation_statements has no roles: a list of 1 to ${mostRoles} is wanted`);
  }
  return { db: databaseIn('creation_statements', db) ?? defaultDatabase, roles: (roles as readonly Json[]).map(roleIn) };
}

/** What can't be right in statements: they are documents, without placeholders, and only of two kinds. */
export function statementProblems(use: StatementUse, statements: readonly string[]): readonly StatementProblem[] {
  if (statements.length === 0) return [];
  try {
    if (use === 'creation') parseCreation(statements);
    else if (use === 'revocation' || use === 'rollback') parseRevocation(statements, `${use}_statements`);
    else throw badRequest(`MongoDB has no ${statementFields[use]}: leave them out`);
    return [];
  } catch (error) {
    if (error instanceof RequestError) return [{ index: null, message: error.message }];
    throw error;
  }
}

/**
 * Reads the revocation statement of a role, `{"db": "admin"}`, or the one for rollback, which is like it. Null: it names
 * no database. Throws RequestError 400.
 */
export function parseRevocation(
  statements: readonly string[],
  field: 'revocation_statements' | 'rollback_statements' = 'revocation_statements',
): string | null {
  const [statement, ...rest] = statements;
  if (statement === undefined) return null;
  const [name] = field.split('_');
  if (rest.length > 0) throw badRequest(`a role of a MongoDB database has one ${name} statement, not ${statements.length}`);
  return databaseIn(field, membersOf(field, statement, ['db'])['db']);
}

function membersOf(field: string, statement: string, known: readonly string[]): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(statement) as Json;
  } catch {
    value = null;
  }
  if (!isJsonObject(value))
    throw badRequest(
      `${field} is not a JSON object, such as {"db": "admin"${known.includes('roles') ? ', "roles": ["read"]' : ''}}`,
    );
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw badRequest(`${field} has "${unknown}"; there are ${known.join(', ')}`);
  return value;
}

function roleIn(value: Json): GivenRole {
  if (typeof value === 'string' && isName(value)) return value;
  if (isJsonObject(value)) {
    const { role, db, ...rest } = value;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) throw badRequest(`creation_statements has a role with "${unknown}"; there are role, db`);
    const database = databaseIn('creation_statements', db);
    if (typeof role === 'string' && isName(role)) return database === null ? role : { role, db: database };
  }
  throw badRequest('creation_statements has a role that is none: a name is wanted, or {"role": …, "db": …}');
}

const isName = (text: string): boolean => text !== '' && text.length <= 256 && !/\p{Cc}/u.test(text);

function databaseIn(field: string, value: Json | undefined): string | null {
  if (value === undefined || value === '') return null;
  // What MongoDB takes for the name of a database (manual, "Naming Restrictions").
  if (typeof value === 'string' && value.length < 64 && /^[^/\\. "\p{Cc}]+$/u.test(value)) return value;
  throw badRequest(`${field} has a db that is no name of a database`);
}
