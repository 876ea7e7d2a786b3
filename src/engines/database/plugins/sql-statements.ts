import { nearest } from '../../../base/nearest.ts';
import { unquotedPlaceholders, type SqlDialect } from '../statement.ts';
import type { StatementProblem, StatementUse } from './plugin.ts';

/** What can be filled in, by what statements are for. */
const placeholders: Readonly<Record<StatementUse, readonly string[]>> = {
  creation: ['name', 'username', 'password', 'expiration'],
  revocation: ['name', 'username'],
  rollback: ['name', 'username'],
  renewal: ['name', 'username', 'expiration'],
  rotation: ['name', 'username', 'password'],
  rootRotation: ['name', 'username', 'password'],
};

/** The members of the API's bodies in which they stand. */
export const statementFields: Readonly<Record<StatementUse, string>> = {
  creation: 'creation_statements',
  revocation: 'revocation_statements',
  rollback: 'rollback_statements',
  renewal: 'renew_statements',
  rotation: 'rotation_statements',
  rootRotation: 'root_rotation_statements',
};

const form = /\{\{\s*((?:[A-Za-z_.][\w.-]*)?)\s*\}\}/g;

/** What can't be right in statements of SQL. `example` is one that makes a user; `expires`: the database knows until when one lives. */
export function sqlProblems(
  use: StatementUse,
  statements: readonly string[],
  { dialect, example, expires }: { readonly dialect: SqlDialect; readonly example: string; readonly expires: boolean },
): readonly StatementProblem[] {
  const field = statementFields[use];
  const known = placeholders[use];
  const found = statements.flatMap((statement, index) =>
    [...statement.matchAll(form)].map(([text, name = '']) => ({ index, text, name })),
  );
  const unknown = found.filter(({ name }) => !known.includes(name));
  if (unknown.length > 0) {
    return unknown.map(({ index, text, name }) => {
      const near = nearest(name, known);
      const hint = near === null ? `there are ${known.map((each) => `{{${each}}}`).join(', ')}` : `did you mean {{${near}}}?`;
      return { index, within: text, message: `${text} is no placeholder of ${field}`, hint };
    });
  }
  const bare = statements.flatMap((statement, index) =>
    [...new Set(unquotedPlaceholders(statement, dialect))].map((text) => ({
      index,
      within: text,
      message: `${field}[${index}] has ${text} outside of quotes, where its value would be read as part of the statement`,
      hint: `write ${quotedForms(text, dialect)}`,
    })),
  );
  if (bare.length > 0) return bare;
  const has = (...names: readonly string[]): boolean => found.some(({ name }) => names.includes(name));
  if (statements.length === 0 || !known.includes('password')) return [];
  const problems: StatementProblem[] = [];
  const makes = use === 'creation';
  if (makes && !has('name', 'username')) {
    const message = `${field} have no {{name}}: they would not make the user whose name is given out`;
    problems.push({ index: null, message, hint: `such as ${example}` });
  }
  if (!has('password')) {
    const why = makes ? 'nobody could log in with the password that is given out' : 'they would not set the new password';
    const hint = makes ? `such as ${example}` : `write '{{password}}' where it belongs`;
    problems.push({ index: null, message: `${field} have no {{password}}: ${why}`, hint });
  }
  if (makes && expires && problems.length === 0 && !has('expiration')) {
    const message = `${field} have no {{expiration}}: the database lets a user in until it is removed, however late that is`;
    problems.push({ index: null, message, hint: `add VALID UNTIL '{{expiration}}'`, severity: 'warning' });
  }
  return problems;
}

function quotedForms(placeholder: string, { nameQuote }: SqlDialect): string {
  const isName = /name/.test(placeholder) && nameQuote === '"';
  return isName ? `"${placeholder}" for a name, '${placeholder}' for a value` : `'${placeholder}'`;
}
