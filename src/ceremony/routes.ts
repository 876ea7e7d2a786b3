import type { OperationSpec, Route } from '../core/mount-type.ts';
import { noContent } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { createRecovery } from '../seal/recovery.ts';
import { sealTypeOf } from '../seal/registry.ts';
import { prepareReplacement, recoveryReplacement, sameSeal, type Replacement } from '../seal/replacement.ts';
import { readSealConfig } from '../seal/seal-config.ts';
import { shareAuthority } from '../seal/share-authority.ts';
import type { Transaction } from '../storage/transaction.ts';
import { GenerateRoot, type GenerateRootParts } from './generate-root.ts';
import { decodeTokenRoute, generateRootRoutes } from './generate-root-routes.ts';
import type { CeremonyParts } from './parts.ts';
import { Rekey, type RekeyTarget } from './rekey.ts';
import { backupRoute, rekeyRoutes, type RekeyFamily } from './rekey-routes.ts';
import { transactionOf } from './step.ts';
import { generateRootWords, wordsOf } from './words.ts';

/**
 * The routes below `sys/` of what several people do together: a new root key and new shares, new recovery shares, a new
 * root token; and of a new root key under a seal that needs nobody. The state of the ceremonies lives as long as they.
 */
export function ceremonyRoutes(parts: CeremonyParts): readonly Route[] {
  const { shared } = sealTypeOf(parts.seal.type);
  const authority = (tx: Transaction) => shareAuthority(tx, parts.barrier, parts.storeId);
  const deciders = { store: parts.store, authority };
  const root: RekeyTarget = { ...deciders, mayBeFirst: false, prepare: (split) => newSeal(parts, split) };
  const recovery: RekeyTarget = {
    ...deciders,
    mayBeFirst: true,
    async prepare(split) {
      if (split === null) throw new TypeError('recovery shares have numbers');
      const made = await createRecovery({ storeId: parts.storeId, random: parts.random }, split);
      return recoveryReplacement(parts.storeId, parts.barrier, made);
    },
  };
  const rekeys = {
    root: new Rekey(root, parts.random, parts.warn),
    recovery: new Rekey(recovery, parts.random, parts.warn),
  };
  const family = (prefix: string, style: 'rekey' | 'rotate', ofRecovery: boolean): RekeyFamily => ({
    prefix,
    rekey: ofRecovery ? rekeys.recovery : rekeys.root,
    target: ofRecovery ? recovery : root,
    recovery: ofRecovery,
    shared,
    words: wordsOf(style, ofRecovery, shared),
    invalid: ofRecovery ? 'invalid recovery configuration' : `invalid ${style} seal configuration`,
    bare: style === 'rekey',
    noSplit: style === 'rekey' ? 0 : 1,
    unauthenticated: style === 'rekey' && parts.unauthenticated.rekey,
  });
  const rootParts: GenerateRootParts = {
    ...deciders,
    claim: (tx, nonce) => claimNonce(parts, tx, nonce),
    mintRoot: (tx) => parts.mintRoot(tx),
    random: parts.random,
    tokenLength: parts.tokenLength,
  };
  const generateRoot = { generateRoot: new GenerateRoot(rootParts), parts: rootParts, words: generateRootWords(shared) };
  return [
    ...rekeyRoutes(family('rekey', 'rekey', false)),
    ...rekeyRoutes(family('rekey-recovery-key', 'rekey', true)),
    ...rekeyRoutes(family('rotate/root', 'rotate', false)),
    ...rekeyRoutes(family('rotate/recovery', 'rotate', true)),
    ...['rekey/backup', 'rekey/recovery-key-backup', 'rotate/root/backup', 'rotate/recovery/backup'].map(backupRoute),
    ...generateRootRoutes({
      ...generateRoot,
      prefix: 'generate-root',
      bare: true,
      unauthenticated: parts.unauthenticated.generateRoot,
    }),
    ...generateRootRoutes({ ...generateRoot, prefix: 'generate-root-token', bare: false, unauthenticated: false }),
    decodeTokenRoute,
    rootKeyRoute(parts, 'rotate/root', 'Puts a new root key in place, without anybody’s shares.'),
    rootKeyRoute(parts, 'seal/rewrap', 'Wraps a new root key under the newest key of the seal.'),
  ];
}

async function newSeal(parts: CeremonyParts, split: Parameters<RekeyTarget['prepare']>[0]) {
  const made = await sealTypeOf(parts.seal.type).create(parts.seal.context, split);
  return prepareReplacement(parts.barrier, made, { random: parts.random, recovery: 'keep' });
}

/** A seal that needs nobody wraps another root key whenever it is told to: after a rotation of its own key. */
function rootKeyRoute(parts: CeremonyParts, path: string, summary: string): Route {
  const prepare = async (): Promise<Replacement> => {
    const config = await parts.store.read(readSealConfig);
    const type = sealTypeOf(parts.seal.type);
    if (config === null || type.shared) {
      throw badRequest(
        'the key of a Shamir seal is with the holders of its shares: they replace it together, with sys/rotate/root/init',
      );
    }
    const made = sameSeal(type.open(parts.seal.context, config));
    return prepareReplacement(parts.barrier, made, { random: parts.random, recovery: 'keep' });
  };
  const write: OperationSpec = {
    summary: 'Does it.',
    sudo: true,
    prepare: async () => prepare,
    async handle(context) {
      const tx = transactionOf(context);
      const replacement = context.prepared as Replacement;
      await replacement.putInPlace(tx);
      tx.onCommit(() => void replacement.settle());
      return noContent;
    },
  };
  return { path, summary, operations: { write } };
}

const noncePath = 'ceremony/generate-root';

async function claimNonce({ barrier }: CeremonyParts, tx: Transaction, nonce: string): Promise<boolean> {
  const core = barrier.view(tx, 'core');
  const last = await core.getJson<{ readonly nonce: string }>(noncePath);
  if (last?.nonce === nonce) return false;
  await core.putJson(noncePath, { nonce });
  return true;
}
