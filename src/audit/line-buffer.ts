const firstBytes = 64 * 1024;
const keptBytes = 1024 * 1024;
const newline = 0x0a;

/** One growing buffer that the lines of each batch are written into, so that a batch costs no copies. */
export class LineBuffer {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #length = 0;

  /** Appends a line and its newline; returns the line's bytes, lent until the next call. */
  add(line: string): Uint8Array {
    const most = line.length * 3 + 1;
    if (this.#length + most > this.#bytes.byteLength) this.#grow(this.#length + most);
    const start = this.#length;
    const end = start + this.#bytes.write(line, start, 'utf8');
    this.#bytes[end] = newline;
    this.#length = end + 1;
    return this.#bytes.subarray(start, end);
  }

  /** All lines since the last `clear`, lent until then. */
  get lines(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    if (this.#bytes.byteLength > keptBytes) this.#bytes = Buffer.allocUnsafeSlow(keptBytes);
  }

  /** Leaves the bytes to a sink that is still busy with them. */
  renew(): void {
    this.#length = 0;
    this.#bytes = Buffer.allocUnsafeSlow(firstBytes);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.byteLength * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
