import { wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { addKey, createKeyFile, dropOldKeys, readKeyFile } from './key-file.ts';
import type { Seal } from './seal.ts';
import type { SealContext, SealType } from './seal-type.ts';
import { unwrapRootKey, wrapRootKey, type WrapPlace } from './wrapped-key.ts';

/** A key file on this machine (setting `keyFile`): 0600, and outside of the config repo. What a local `init` uses. */
export const staticSeal: SealType = {
  type: 'static',
  shared: false,

  async create(context) {
    const path = keyFileOf(context);
    const seal = new StaticSeal(context, path);
    // A rekey keeps the present key beside the new one: whichever the store's configuration names, the file opens it.
    if (await exists(path)) await addKey(path, context.random);
    else await createKeyFile(path, context.random);
    return { seal, shamir: null, shares: [], isKey: () => false, settle: () => dropOldKeys(path) };
  },

  open(context) {
    return new StaticSeal(context, keyFileOf(context));
  },
};

class StaticSeal implements Seal {
  readonly type = 'static';
  readonly #context: SealContext;
  readonly #path: string;
  readonly #place: WrapPlace;

  constructor(context: SealContext, path: string) {
    this.#context = context;
    this.#path = path;
    this.#place = { type: this.type, storeId: context.storeId };
  }

  async wrap(rootKey: Uint8Array): Promise<Uint8Array> {
    const keys = await readKeyFile(this.#path);
    const [newest] = keys;
    if (newest === undefined) throw new TypeError('a key file without keys');
    const blob = wrapRootKey(this.#place, newest, rootKey, this.#context.random);
    wipe(...keys);
    return blob;
  }

  async unwrap(blob: Uint8Array): Promise<Uint8Array> {
    const keys = await readKeyFile(this.#path);
    for (const key of keys) {
      const rootKey = unwrapRootKey(this.#place, key, blob);
      if (rootKey === null) continue;
      wipe(...keys);
      return rootKey;
    }
    wipe(...keys);
    throw new Fault('seal-key-wrong', `the key in ${this.#path} does not open the store ${this.#context.storeId}`, {
      hint: 'It is the key of another store, or was replaced. Put the file back that `secretctl init` or `operator rekey` made.',
    });
  }

  async health(): Promise<string | null> {
    try {
      wipe(...(await readKeyFile(this.#path)));
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : `the key file ${this.#path} cannot be read`;
    }
  }
}

function keyFileOf(context: SealContext): string {
  const path = context.settings['keyFile'];
  if (path === undefined || path === '') {
    throw new Fault('settings', 'the settings of the static seal do not say where its key file is', {
      hint: 'Set `keyFile` in the seal’s part of the store’s settings.',
    });
  }
  return path;
}

async function exists(path: string): Promise<boolean> {
  try {
    wipe(...(await readKeyFile(path)));
    return true;
  } catch (error) {
    if (error instanceof Fault && error.code === 'seal-key-missing') return false;
    throw error;
  }
}
