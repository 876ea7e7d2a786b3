import type { LineSource } from './catch-up.ts';
import type { Head } from './chain.ts';
import { readPlace } from './stored-line.ts';

const mostBytes = 16 * 1024 * 1024;

/**
 * The last lines of the log, kept in memory for sinks that were set aside: up to a bound, since a sink may be away for
 * long; what is in doubt is kept in any case, because nobody else may have it.
 */
export class HeldLines implements LineSource {
  /** Where the first of them joins on; null: there is none. */
  #start: Head | null = null;
  readonly #batches: Uint8Array[] = [];
  #bytes = 0;
  /** There were more than are kept. */
  #exceeded = false;

  /** Takes a copy of a batch that follows `before`, which is the end of what is held. */
  keep(lines: Uint8Array, before: Head): void {
    if (this.#exceeded) return;
    this.keepInDoubt(lines, before);
    if (this.#bytes <= mostBytes) return;
    this.letGo();
    this.#exceeded = true;
  }

  /** The same for a batch that may be stored nowhere. */
  keepInDoubt(lines: Uint8Array, before: Head): void {
    this.#start ??= before;
    // Not `slice`, which copies nothing where the lines are a Buffer.
    this.#batches.push(new Uint8Array(lines));
    this.#bytes += lines.byteLength;
  }

  /** Another sink needs what comes from now on. */
  beginAnew(): void {
    this.#exceeded = false;
  }

  /** Nobody needs it any more. */
  letGo(): void {
    this.#start = null;
    this.#batches.length = 0;
    this.#bytes = 0;
    this.#exceeded = false;
  }

  locate(seq: number): ReturnType<LineSource['locate']> {
    if (seq === this.#start?.seq) return Promise.resolve({ head: this.#start, offset: 0 });
    let offset = 0;
    for (const batch of this.#batches) {
      for (let start = 0; start < batch.byteLength;) {
        const end = batch.indexOf(0x0a, start);
        const place = readPlace(batch.subarray(start, end));
        if ('problem' in place) throw new TypeError(`the log holds a line that ${place.text}`);
        if (place.seq === seq + 1) return Promise.resolve({ head: { seq, hash: place.prev }, offset: offset + start });
        start = end + 1;
      }
      offset += batch.byteLength;
    }
    return Promise.resolve(null);
  }

  async *bytesFrom(offset: number): AsyncGenerator<Uint8Array> {
    let start = 0;
    for (const batch of [...this.#batches]) {
      const end = start + batch.byteLength;
      if (end > offset) yield await Promise.resolve(batch.subarray(Math.max(0, offset - start)));
      start = end;
    }
  }
}
