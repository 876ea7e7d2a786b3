import type { Answer } from '../../../server/server-process.ts';
import type { Ground } from './ground.ts';

/** Something at each step of which the server is killed. */
export interface Operation {
  readonly name: string;
  /** Makes what a round needs, undisturbed. Its role is `role`. */
  prepare(at: Ground, role: string): Promise<Round>;
}

/** One go at an operation. */
export interface Round {
  readonly request: readonly [method: string, path: string, body?: unknown];
  /**
   * What holds of this operation besides what holds of all, once the next server has settled. `answer`: null where none came.
   * Throws where it does not.
   */
  check(answer: Answer | null): Promise<void>;
}

interface Credential {
  readonly username: string;
  readonly password: string;
  readonly leaseId: string;
}

function credentialOf({ status, body }: Answer): Credential {
  const { username, password } = (body?.['data'] ?? {}) as { username?: string; password?: string };
  if (status !== 200 || username === undefined || password === undefined) throw new Error(`creds were answered with ${status}`);
  return { username, password, leaseId: String(body?.['lease_id']) };
}

/** A fault of what is tested. */
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const issue: Operation = {
  name: 'issue',
  prepare: async (at, role) => ({
    request: ['GET', `database/creds/${role}`],
    async check(answer) {
      if (answer === null) return;
      const { username, password, leaseId } = credentialOf(answer);
      must(await at.letsIn(username, password), `${username} was given away and cannot log in`);
      must((await at.leaseOf(leaseId)) !== null, `${leaseId} was given away and does not stand`);
    },
  }),
};

const renew: Operation = {
  name: 'renew',
  async prepare(at, role) {
    const { username, password, leaseId } = credentialOf(await at.call('GET', `database/creds/${role}`));
    const before = Date.parse((await at.leaseOf(leaseId))?.expireTime ?? '');
    return {
      request: ['POST', 'sys/leases/renew', { lease_id: leaseId, increment: '3h' }],
      async check(answer) {
        const lease = await at.leaseOf(leaseId);
        must(lease !== null && (await at.letsIn(username, password)), `a renewal ended ${leaseId}`);
        const expires = Date.parse(lease?.expireTime ?? '');
        must((await at.validUntil(username)) > expires, `${username} ends before its lease does`);
        if (answer !== null) must(answer.status === 200 && expires > before + 3_600_000, `${leaseId} was not renewed`);
      },
    };
  },
};

const revoke: Operation = {
  name: 'revoke',
  async prepare(at, role) {
    const { username, password, leaseId } = credentialOf(await at.call('GET', `database/creds/${role}`));
    return {
      request: ['POST', 'sys/leases/revoke', { lease_id: leaseId, sync: true }],
      async check(answer) {
        const stands = (await at.leaseOf(leaseId)) !== null;
        must(stands === (await at.letsIn(username, password)), `${username} logs in without a lease, or not with one`);
        if (answer !== null) must(!stands && answer.status === 204, `${leaseId} was revoked with ${answer.status} and stands`);
      },
    };
  },
};

export const operations: readonly Operation[] = [issue, renew, revoke];
