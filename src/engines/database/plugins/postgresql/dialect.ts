import type { SqlDialect } from '../../statement.ts';

export const dialect: SqlDialect = { nameQuote: '"', backslash: false, dollar: true, comments: 'standard' };
