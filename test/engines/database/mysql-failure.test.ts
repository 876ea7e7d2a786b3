import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TargetUnavailable } from '../../../src/core/lease.ts';
import { failureOf } from '../../../src/engines/database/plugins/mysql/failure.ts';

function syntaxError(sql: string, from: number): Error & { readonly errno: number; readonly sql: string } {
  const message = `You have an error in your SQL syntax; check the manual for the right syntax to use near '${sql.slice(from, from + 80)}' at line 1`;
  return Object.assign(new Error(message), { errno: 1064, sql });
}

describe('what MySQL says of a failure', () => {
  it('is shown with the place that it quotes', () => {
    const sql = `CREATE USRE 'x' IDENTIFIED BY 's3cret-s3cret'`;
    const { message } = failureOf(syntaxError(sql, 7), 'creating the user', ['s3cret-s3cret']);
    expect(message).toBe(
      `creating the user: You have an error in your SQL syntax; check the manual for the right syntax to use near 'USRE 'x' IDENTIFIED BY '***' at line 1`,
    );
  });

  it('is shown without any part of a secret, wherever its quotation begins and ends', () => {
    const secret = `Qz7-'Wk\\9Xj4-Vb2Yh6`;
    const escaped = secret.replaceAll('\\', '\\\\').replaceAll("'", "''");
    fc.assert(
      fc.property(fc.nat(60), fc.nat(120), (padding, from) => {
        const sql = `SELECT ${'a'.repeat(padding)} '${escaped}' ${'b'.repeat(30)}`;
        const { message } = failureOf(syntaxError(sql, Math.min(from, sql.length - 1)), 'x', [secret]);
        for (const part of ['Qz7', 'Wk', '9Xj4', 'Vb2Yh6']) expect(message).not.toContain(part);
      }),
    );
  });

  it.each([
    [1040, true],
    [1053, true],
    [-111, true],
    [undefined, true],
    [1045, false],
    [1064, false],
    [1227, false],
  ])('tells a server that can do nothing now from one that refuses: %s', (errno, gone) => {
    const failure = failureOf(Object.assign(new Error('no'), { errno }), 'creating the user', []);
    expect(failure instanceof TargetUnavailable).toBe(gone);
  });
});
