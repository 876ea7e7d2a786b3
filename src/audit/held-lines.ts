import type { LineSource } from './catch-up.ts';
import type { Head } from './chain.ts';
import { readPlace } from './stored-line.ts';

/** The last lines of the log, kept in memory while a sink lacks them. */
export class HeldLines implements LineSource {
  readonly #start: Head;
  readonly #batches: Uint8Array[] = [];
  bytes = 0;

  /** Holds the lines after `start`. */
  constructor(start: Head) {
    this.#start = start;
  }

  /** Takes a copy of a batch that follows what is held. */
  add(lines: Uint8Array): void {
    this.#batches.push(new Uint8Array(lines));
    this.bytes += lines.byteLength;
  }

  locate(seq: number): ReturnType<LineSource['locate']> {
    if (seq === this.#start.seq) return Promise.resolve({ head: this.#start, offset: 0 });
    let offset = 0;
    for (const batch of this.#batches) {
      for (let start = 0; start < batch.byteLength;) {
        const end = batch.indexOf(0x0a, start);
        const line = batch.subarray(start, end);
        const place = readPlace(line);
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
    for (const batch of this.#batches) {
      const end = start + batch.byteLength;
      if (end > offset) yield batch.subarray(Math.max(0, offset - start));
      start = end;
    }
    await Promise.resolve();
  }
}
