import type { Answer } from '../../../server/server-process.ts';
import type { Ground } from './ground.ts';

/** Something at each step of which the server is killed. */
export interface Operation {
  readonly name: string;
  /** Several background tasks carry it out beside each other: the order of their steps is never the same. */
  readonly inParallel?: boolean;
  /** Makes what a round needs, undisturbed. `name` is of this round alone. */
  prepare(at: Ground, name: string): Promise<Round>;
}

/** One go at an operation. */
export interface Round {
  readonly request: readonly [method: string, path: string, body?: unknown];
  /** Of what is carried out after the answer: is it? */
  carriedOut?(): Promise<boolean>;
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

async function issued(at: Ground, role: string): Promise<Credential> {
  await at.role(role);
  return credentialOf(await at.call('GET', `database/creds/${role}`));
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
  async prepare(at, role) {
    await at.role(role);
    return {
      request: ['GET', `database/creds/${role}`],
      async check(answer) {
        if (answer === null) return;
        const { username, password, leaseId } = credentialOf(answer);
        must(await at.letsIn(username, password), `${username} was given away and cannot log in`);
        must((await at.leaseOf(leaseId)) !== null, `${leaseId} was given away and does not stand`);
      },
    };
  },
};

const renew: Operation = {
  name: 'renew',
  async prepare(at, role) {
    const { username, password, leaseId } = await issued(at, role);
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
    const { username, password, leaseId } = await issued(at, role);
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

const staticRole: Operation = {
  name: 'static-role',
  async prepare(at, name) {
    await at.sql(`CREATE ROLE "${name}" LOGIN PASSWORD 'first'`);
    return {
      request: ['POST', `database/static-roles/${name}`, { db_name: 'main', username: name, rotation_period: '24h' }],
      async check(answer) {
        const password = await staticPassword(at, name);
        must(answer === null || password !== null, `${name} was made and is not there`);
        must(await at.letsIn(name, password ?? 'first'), `the password of ${name} does not log in`);
        must(password === null || !(await at.letsIn(name, 'first')), `the first password of ${name} still logs in`);
      },
    };
  },
};

const staticRotation: Operation = {
  name: 'static-rotation',
  async prepare(at, name) {
    await at.sql(`CREATE ROLE "${name}" LOGIN PASSWORD 'first'`);
    await at.call('POST', `database/static-roles/${name}`, { db_name: 'main', username: name, rotation_period: '24h' });
    const before = await staticPassword(at, name);
    return {
      request: ['POST', `database/rotate-role/${name}`],
      async check(answer) {
        const password = (await staticPassword(at, name)) ?? '';
        must(await at.letsIn(name, password), `the password of ${name} does not log in`);
        if (answer !== null) must(answer.status === 204 && password !== before, `${name} was not rotated`);
      },
    };
  },
};

/** The password that is given out; null: there is no such role. */
async function staticPassword(at: Ground, name: string): Promise<string | null> {
  const { status, body } = await at.ask('GET', `database/static-creds/${name}`);
  if (status === 400) return null;
  const { password } = (body?.['data'] ?? {}) as { password?: string };
  if (status !== 200 || password === undefined) throw new Error(`static-creds were answered with ${status}`);
  return password;
}

const rootRotation: Operation = {
  name: 'root-rotation',
  async prepare(at, name) {
    const root = `root.${name}`;
    await at.sql(`CREATE ROLE "${root}" SUPERUSER LOGIN PASSWORD 'first'`);
    await at.connection(name, { username: root, password: 'first' });
    return {
      request: ['POST', `database/rotate-root/${name}`],
      async check(answer) {
        // Nobody reads the password of a connection: that it logs in shows where it is used.
        await at.role(name, { connection: name });
        const { username, password } = credentialOf(await at.call('GET', `database/creds/${name}`));
        must(await at.letsIn(username, password), `${username} was made by ${root} and cannot log in`);
        if (answer === null) return;
        must(answer.status === 204 && !(await at.letsIn(root, 'first')), `the password of ${root} was not rotated`);
      },
    };
  },
};

const tokenRevocation: Operation = {
  name: 'token-revocation',
  async prepare(at, role) {
    await at.role(role);
    const { body } = await at.call('POST', 'auth/token/create', { ttl: '1h' });
    const { client_token: token } = body?.['auth'] as { client_token: string };
    const { username, password } = credentialOf(await at.ask('GET', `database/creds/${role}`, undefined, token));
    return {
      request: ['POST', 'auth/token/revoke', { token }],
      carriedOut: async () => Number.isNaN(await at.validUntil(username)),
      async check(answer) {
        const { status } = await at.ask('GET', 'auth/token/lookup-self', undefined, token);
        must((status === 200) === (await at.letsIn(username, password)), `${username} does not end with its token`);
        must(answer === null || status === 403, 'the token was revoked and is there');
      },
    };
  },
};

const unmount: Operation = {
  name: 'unmount',
  inParallel: true,
  async prepare(at, name) {
    await at.call('POST', `sys/mounts/${name}`, { type: 'database' });
    await at.connection('main', { mount: name });
    await at.role(name, { mount: name });
    const { username, password } = credentialOf(await at.call('GET', `${name}/creds/${name}`));
    return {
      request: ['DELETE', `sys/mounts/${name}`],
      carriedOut: async () => Number.isNaN(await at.validUntil(username)),
      async check(answer) {
        const { status } = await at.ask('GET', `sys/mounts/${name}`);
        must((status === 200) === (await at.letsIn(username, password)), `${username} does not end with its mount`);
        must(answer === null || status === 400, `${name} was disabled and is there`);
      },
    };
  },
};

export const operations: readonly Operation[] = [issue, renew, revoke, staticRole, staticRotation, rootRotation];
/** By which leases end, too: of a run in full size. */
export const moreOperations: readonly Operation[] = [tokenRevocation, unmount];
