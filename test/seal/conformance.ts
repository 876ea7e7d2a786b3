import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { toBase64, toHex } from '../../src/base/bytes.ts';
import { Fault } from '../../src/base/error.ts';
import type { Seal } from '../../src/seal/seal.ts';
import { decodeSealConfig, encodeSealConfig, type SealConfig } from '../../src/seal/seal-config.ts';
import type { NewSeal, SealContext, SealType, ShareNumbers } from '../../src/seal/seal-type.ts';
import { seededRandom } from '../barrier/fixture.ts';

/** How the suite gets at one type of seal. */
export interface SealHarness {
  readonly type: SealType;
  /** A context in a world of its own (a new directory, a new key in the KMS), for the store id. */
  context(storeId: string): Promise<SealContext>;
  readonly split: ShareNumbers | null;
  /** What people do before `unwrap`: nothing, or give the shares of the new seal. */
  prepare(seal: Seal, made: NewSeal): Promise<void>;
  /** Contexts or configurations with which the type cannot work, and the Fault that says so, at `open` or at `unwrap`. */
  readonly bad: readonly {
    readonly what: string;
    readonly code: Fault['code'];
    change(context: SealContext, config: SealConfig): Promise<{ readonly context: SealContext; readonly config: SealConfig }>;
  }[];
}

/** What every seal keeps of its contract. */
export function sealConformance(harness: SealHarness): void {
  const { type } = harness;
  const random = seededRandom(`seal ${type.type}`);

  describe(`the ${type.type} seal`, () => {
    let context: SealContext;
    let made: NewSeal;
    let rootKey: Uint8Array;
    let config: SealConfig;

    beforeEach(async () => {
      context = await harness.context('store-1');
      made = await type.create(context, harness.split);
      rootKey = random.bytes(32);
      // As it comes back from the store.
      config = decodeSealConfig(
        encodeSealConfig({ type: type.type, wrapped: await made.seal.wrap(rootKey), shamir: made.shamir, recovery: null }),
      );
    });

    /** The seal after a restart, ready to unwrap. */
    async function restarted(from: SealContext = context, of: SealConfig = config): Promise<Seal> {
      const seal = type.open(from, of);
      await harness.prepare(seal, made);
      return seal;
    }

    async function faultOf(work: () => Promise<unknown>): Promise<Fault> {
      const error: unknown = await work().then(
        (value) => new Error(`resolved with ${typeof value}`),
        (reason: unknown) => reason,
      );
      if (!(error instanceof Fault)) throw error;
      return error;
    }

    it('unwraps what it wrapped, after a restart and after it has settled', async () => {
      expect(await (await restarted()).unwrap(config.wrapped)).toEqual(rootKey);
      await made.settle();
      expect(await (await restarted()).unwrap(config.wrapped)).toEqual(rootKey);
      expect(made.seal.type).toBe(type.type);
    });

    it('leaves the root key as it was, and shows nothing of it in the blob', async () => {
      const copy = rootKey.slice();
      const again = await made.seal.wrap(rootKey);
      expect(rootKey).toEqual(copy);
      expect(toHex(again)).not.toContain(toHex(rootKey).slice(0, 16));
      expect(toHex(again)).not.toBe(toHex(config.wrapped));
    });

    it('refuses a blob with any byte changed, or cut', async () => {
      for (let at = 0; at < config.wrapped.length; at++) {
        const altered = config.wrapped.map((byte, index) => (index === at ? byte ^ 1 : byte));
        const fault = await faultOf(async () => (await restarted()).unwrap(altered));
        expect([at, ['seal-key-wrong', 'share-invalid'].includes(fault.code)]).toEqual([at, true]);
      }
      for (const length of [0, 1, 20, config.wrapped.length - 1]) {
        const fault = await faultOf(async () => (await restarted()).unwrap(config.wrapped.subarray(0, length)));
        expect(['seal-key-wrong', 'share-invalid']).toContain(fault.code);
      }
    });

    it('refuses the blob of another store under the same key', async () => {
      const elsewhere = await restarted({ ...context, storeId: 'store-2' });
      expect(['seal-key-wrong', 'share-invalid']).toContain((await faultOf(() => elsewhere.unwrap(config.wrapped))).code);
    });

    it('refuses the blob of a seal with another key', async () => {
      const other = await type.create(await harness.context('store-1'), harness.split);
      const foreign = await other.seal.wrap(rootKey);
      const fault = await faultOf(async () => (await restarted()).unwrap(foreign));
      expect(['seal-key-wrong', 'share-invalid']).toContain(fault.code);
    });

    it('is well when it is', async () => {
      expect(await (await restarted()).health()).toBeNull();
    });

    it.each(harness.bad)('says what is wrong with $what', async ({ code, change }) => {
      const { context: badContext, config: badConfig } = await change(context, config);
      const fault = await faultOf(async () => (await restarted(badContext, badConfig)).unwrap(badConfig.wrapped));
      expect(fault.code).toBe(code);
      expect(fault.hint).not.toBeNull();
      const shown = inspect(fault, { depth: 9, showHidden: true });
      const secrets = [toHex(rootKey), toBase64(rootKey), rootKey.join(', '), ...made.shares];
      for (const secret of secrets) expect(shown).not.toContain(secret);
    });
  });
}
