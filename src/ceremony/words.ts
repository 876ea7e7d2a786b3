import { badRequest, type RequestError } from '../protocol/request-error.ts';
import { Refusal, type RefusalKind } from './refusal.ts';

/** How a family of routes says what a ceremony refuses. Clients match some of these, so they are the Vault API's. */
export type Words = Readonly<Record<RefusalKind, (nonce: string) => string>>;

const ours = {
  share: () => 'the key is not a share of this store',
  exhausted: () => 'too many shares were refused: the operation was cancelled, start it again',
  changed: () => 'the shares that decide were replaced meanwhile: the operation was cancelled, start it again',
  'no-shares': () => 'nobody holds recovery shares of this store: make some first with sys/rotate/recovery/init',
} as const;

function rekeyWords(proof: string, none: string): Words {
  return {
    ...ours,
    absent: () => none,
    present: () => 'rekey already in progress',
    nonce: (nonce) => `incorrect nonce supplied; nonce for this rekey operation is ${JSON.stringify(nonce)}`,
    repeated: () => 'given key has already been provided during this generation operation',
    proof: () => proof,
    unverified: (nonce) =>
      `rekey operation already finished; verification must be performed; nonce for the verification operation is ${JSON.stringify(nonce)}`,
    'nothing-to-verify': () => 'no rekey verification in progress',
    verification: () => 'rekey verification failed; incorrect key shares supplied',
  };
}

const rotateWords = {
  ...ours,
  absent: () => 'no rotation in progress',
  present: () => 'rotation already in progress',
  nonce: (nonce: string) => `incorrect nonce supplied; nonce for rotation is ${JSON.stringify(nonce)}`,
  repeated: () => 'given key has already been provided during this rotation',
  unverified: (nonce: string) =>
    `rotation already finished; verification must be performed; nonce for the verification operation is ${JSON.stringify(nonce)}`,
  'nothing-to-verify': () => 'no rotation verification in progress',
  verification: () => 'rotation verification failed; incorrect key shares supplied',
} as const;

const wrongRoot = 'root key verification failed: at least one of the shares is not genuine';
const wrongRecovery = 'recovery key verification failed: recovery key does not match submitted values';

/** By what is rekeyed and by family. `proof` under a seal with recovery shares is always theirs. */
export function wordsOf(family: 'rekey' | 'rotate', recovery: boolean, shared: boolean): Words {
  const proof = shared ? wrongRoot : wrongRecovery;
  if (family === 'rotate') return { ...rotateWords, proof: () => proof };
  return rekeyWords(proof, recovery ? 'no recovery rekey in progress' : 'no barrier rekey in progress');
}

export function generateRootWords(shared: boolean): Words {
  return {
    ...rekeyWords('', 'no root generation in progress'),
    present: () => 'root generation already in progress',
    nonce: (nonce) => `incorrect nonce supplied; nonce for this root generation operation is ${JSON.stringify(nonce)}`,
    proof: () => `root generation aborted: ${shared ? wrongRoot : wrongRecovery}`,
  };
}

/** Runs a step of a ceremony; what it refuses becomes a 400 in these words. */
export async function inWords<T>(words: Words, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw error instanceof Refusal ? refused(words, error) : error;
  }
}

function refused(words: Words, refusal: Refusal): RequestError {
  return badRequest(words[refusal.kind](refusal.nonce));
}
