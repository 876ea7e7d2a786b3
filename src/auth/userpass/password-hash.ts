import { availableParallelism } from 'node:os';
import { utf8, wipe } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import { badRequest } from '../../protocol/request-error.ts';
import { BoundedWork } from './bounded-work.ts';

/** Argon2id (RFC 9106) as OWASP's password storage page wants it at least: 19 MiB, two passes, one lane. */
const argon2id = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } as const;

/** What is looked at in the place of a user's that is not there, at the same cost. Nobody knows its password. */
export const nobodysHash = '$argon2id$v=19$m=19456,t=2,p=1$Rc65aD8iV/ou644gP8A9qQ$iSAYdWF9ZCbNf5gsbDALadnux5JxdY16AFZhNKBT3jA';

/** Bytes. */
const maxPasswordLength = 4096;
/** All that bcrypt looks at: a longer password would equal its own beginning. */
const bcryptLength = 72;
const bcryptForm = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const bcryptCosts = { least: 5, most: 12 } as const;

/**
 * One for the whole process, whose memory and cores it spares: each piece takes 19 MiB and a thread of the pool, of
 * which files are written too.
 */
const hashing = new BoundedWork(Math.min(3, availableParallelism()), 256);

/** The hash of a password, in PHC form with a new salt. `client`: whose turn it is (clientName). Throws RequestError 429 where too many are waiting. */
export async function hashPassword(password: string, random: Random, client: string): Promise<string> {
  return hashing.run(client, async () => {
    const { hash } = await import('@node-rs/argon2');
    const bytes = utf8(password);
    try {
      return await hash(bytes, { ...argon2id, salt: random.bytes(16) });
    } finally {
      wipe(bytes);
    }
  });
}

/** Is it the password of the hash? `client`: whose turn it is (clientName). Throws RequestError 429 where too many are waiting. */
export async function isPassword(password: string, hash: string, client: string): Promise<boolean> {
  return hashing.run(client, async () => {
    const bytes = utf8(password);
    try {
      if (!bcryptForm.test(hash)) return await (await import('@node-rs/argon2')).verify(hash, bytes);
      const same = await (await import('@node-rs/bcrypt')).verify(bytes, hash);
      return same && bytes.byteLength <= bcryptLength && !bytes.includes(0);
    } finally {
      wipe(bytes);
    }
  });
}

/** Throws RequestError 400 for a password that nobody can have. */
export function checkPassword(password: string): void {
  if (password === '') throw badRequest('missing password');
  if (Buffer.byteLength(password) > maxPasswordLength) {
    throw badRequest(`the password is longer than ${maxPasswordLength} bytes`);
  }
}

/** Throws RequestError 400 for what is not the hash of a password by bcrypt, at a cost that is neither weak nor a burden. */
export function checkPasswordHash(hash: string): void {
  const cost = Number(bcryptForm.exec(hash)?.[1] ?? Number.NaN);
  if (Number.isNaN(cost)) throw badRequest('password_hash is not a valid bcrypt hash');
  if (cost < bcryptCosts.least) {
    throw badRequest(`bcrypt cost of ${cost} is too low, want ${bcryptCosts.least} at minimum`);
  }
  if (cost > bcryptCosts.most) throw badRequest(`bcrypt cost of ${cost} exceeds maximum cost of ${bcryptCosts.most}`);
}
