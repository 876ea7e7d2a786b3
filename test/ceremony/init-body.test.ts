import { describe, expect, it } from 'vitest';
import { readInitBody } from '../../src/ceremony/init-body.ts';
import { RequestError } from '../../src/protocol/request-error.ts';

function refusal(data: Parameters<typeof readInitBody>[0], seal: string): string {
  try {
    readInitBody(data, seal);
    return 'taken';
  } catch (error) {
    if (error instanceof RequestError) return `${error.status} ${error.message}`;
    throw error;
  }
}

describe('the body of sys/init', () => {
  it('asks for shares under a Shamir seal', () => {
    const body = { secret_shares: 5, secret_threshold: 3, stored_shares: 0, pgp_keys: null, root_token_pgp_key: '' };
    expect(readInitBody({ ...body, recovery_shares: 0, recovery_threshold: 0, recovery_pgp_keys: [] }, 'shamir')).toEqual({
      split: { shares: 5, threshold: 3 },
      recovery: null,
    });
  });

  it.each(['static', 'awskms'])('asks for recovery shares under the seal %s, or for none', (seal) => {
    expect(readInitBody({ recovery_shares: 3, recovery_threshold: 2, secret_shares: 0 }, seal)).toEqual({
      split: null,
      recovery: { shares: 3, threshold: 2 },
    });
    expect(readInitBody({}, seal)).toEqual({ split: null, recovery: null });
  });

  it('is refused where the numbers cannot be, or belong to another seal', () => {
    expect(refusal({}, 'shamir')).toBe('400 invalid seal configuration: shares must be at least one');
    expect(refusal({ secret_shares: 5, secret_threshold: 1 }, 'shamir')).toBe(
      '400 invalid seal configuration: threshold must be greater than one for multiple shares',
    );
    expect(refusal({ recovery_shares: 2, recovery_threshold: 3 }, 'awskms')).toBe(
      '400 invalid recovery configuration: threshold cannot be larger than shares',
    );
    expect(refusal({ recovery_threshold: 3 }, 'awskms')).toBe('400 invalid recovery configuration: shares must be at least one');
    expect(refusal({ secret_shares: 5, secret_threshold: 3 }, 'awskms')).toBe(
      '400 parameters secret_shares,secret_threshold not applicable to seal type awskms',
    );
    expect(refusal({ secret_shares: 1, secret_threshold: 1, recovery_shares: 1 }, 'shamir')).toBe(
      '400 parameters recovery_shares not applicable to seal type shamir',
    );
  });

  it.each([{ pgp_keys: ['a'] }, { recovery_pgp_keys: ['a'] }, { root_token_pgp_key: 'a' }])('is refused with %j', (keys) => {
    expect(refusal({ secret_shares: 1, secret_threshold: 1, ...keys }, 'shamir')).toMatch(/^400 PGP keys are not supported/);
  });
});
