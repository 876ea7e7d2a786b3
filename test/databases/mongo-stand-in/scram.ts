// Part of a stand-in for MongoDB (see mongo-stand-in.ts): no MongoDB. Its SCRAM is real: RFC 5802, RFC 7677.
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Refusal } from './refusal.ts';

export const mechanisms = ['SCRAM-SHA-1', 'SCRAM-SHA-256'] as const;
export type Mechanism = (typeof mechanisms)[number];

const derive = promisify(pbkdf2);
const hashOf = (mechanism: Mechanism): string => (mechanism === 'SCRAM-SHA-1' ? 'sha1' : 'sha256');
const iterationsOf = { 'SCRAM-SHA-1': 10_000, 'SCRAM-SHA-256': 15_000 } as const;

/** What the server keeps of a password. */
interface Verifier {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}
export type Verifiers = Readonly<Partial<Record<Mechanism, Verifier>>>;

export async function verifiersOf(user: string, password: string, wanted: readonly Mechanism[]): Promise<Verifiers> {
  const made = wanted.map(async (mechanism): Promise<readonly [Mechanism, Verifier]> => {
    const hash = hashOf(mechanism);
    const text =
      mechanism === 'SCRAM-SHA-1'
        ? createHash('md5').update(`${user}:mongo:${password}`).digest('hex')
        : password.normalize('NFKC');
    const salt = randomBytes(mechanism === 'SCRAM-SHA-1' ? 16 : 28);
    const iterations = iterationsOf[mechanism];
    const salted = await derive(text, salt, iterations, hash === 'sha1' ? 20 : 32, hash);
    const key = (label: string): Buffer => createHmac(hash, salted).update(label).digest();
    const storedKey = createHash(hash).update(key('Client Key')).digest();
    return [mechanism, { salt, iterations, storedKey, serverKey: key('Server Key') }];
  });
  return Object.fromEntries(await Promise.all(made));
}

const failed = (): Refusal => new Refusal('AuthenticationFailed', 'Authentication failed.');

/** A conversation that a client has begun. Every call throws Refusal where it has failed. */
export class Conversation {
  readonly #mechanism: Mechanism;
  readonly #verifier: Verifier;
  readonly #nonce: string;
  readonly #begun: string;
  readonly first: string;
  readonly username: string;

  /** `verifiers`: those of the user that the client names; null: there is no such user, who then fails like any other. */
  constructor(mechanism: Mechanism, payload: string, verifiers: (username: string) => Verifiers | null) {
    const { groups } = /^n,,(?<bare>n=(?<name>[^,]+),r=(?<nonce>[^,]+))$/.exec(payload) ?? {};
    if (groups === undefined) throw failed();
    this.username = groups['name']!.replace(/=2C/g, ',').replace(/=3D/g, '=');
    const verifier = verifiers(this.username)?.[mechanism];
    if (verifier === undefined) throw failed();
    this.#mechanism = mechanism;
    this.#verifier = verifier;
    this.#nonce = groups['nonce']! + randomBytes(24).toString('base64');
    this.first = `r=${this.#nonce},s=${verifier.salt.toString('base64')},i=${verifier.iterations}`;
    this.#begun = `${groups['bare']!},${this.first}`;
  }

  /** The last message of the server, where the client knows the password. */
  finish(payload: string): string {
    const { groups } = /^(?<without>c=biws,r=(?<nonce>[^,]+)),p=(?<proof>[^,]+)$/.exec(payload) ?? {};
    if (groups?.['nonce'] !== this.#nonce) throw failed();
    const hash = hashOf(this.#mechanism);
    const whole = `${this.#begun},${groups['without']!}`;
    const signature = createHmac(hash, this.#verifier.storedKey).update(whole).digest();
    const proof = Buffer.from(groups['proof']!, 'base64');
    if (proof.length !== signature.length) throw failed();
    const key = createHash(hash)
      .update(signature.map((byte, at) => byte ^ proof[at]!))
      .digest();
    if (!timingSafeEqual(key, this.#verifier.storedKey)) throw failed();
    return `v=${createHmac(hash, this.#verifier.serverKey).update(whole).digest('base64')}`;
  }
}
