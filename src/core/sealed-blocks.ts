import { recipientOpener } from '../barrier/recipient.ts';
import type { View } from '../barrier/view.ts';
import type { SealedOpener } from '../crypto/sealed-value.ts';
import type { SealedPayload } from '../protocol/managed.ts';

/** The sealed blocks of one apply: each is opened once, also where a conflict runs the apply again. */
export class SealedBlocks {
  readonly #opened = new Map<string, SealedPayload>();
  /** The opener of one attempt: the next one sees the store anew. */
  #opener: { readonly core: View; readonly open: SealedOpener } | null = null;

  /** `core`: the core's view in the transaction. Throws as `recipientOpener` and `SealedOpener`. */
  async open(core: View, block: string): Promise<SealedPayload> {
    const known = this.#opened.get(block);
    if (known !== undefined) return known;
    if (this.#opener?.core !== core) this.#opener = { core, open: await recipientOpener(core) };
    const payload = await this.#opener.open(block);
    this.#opened.set(block, payload);
    return payload;
  }
}
