import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { Fault } from '../base/error.ts';

/*
 * The parts of LMDB's file format that tell whether a data file is whole (data format 2 of the lmdb package, structs
 * MDB_page_header, MDB_meta, MDB_db, MDB_node and MDB_ovpage in its mdb.c; 64-bit, in the machine's byte order).
 */
const magic = 0xbeefc0de;
const dataVersion = 2;
const headerBytes = 24;
const minPageBytes = 256;
const maxPageBytes = 65_536;
const noRoot = 2n ** 64n - 1n;
const branch = 0x01;
const leaf = 0x02;
const onOverflowPages = 0x01;
const maxDepth = 64;

interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: bigint;
  readonly roots: readonly bigint[];
}

/**
 * Makes sure that LMDB can map a data file: a page that is missing at its end would kill the process with SIGBUS as soon
 * as it is read. Throws Fault `store-missing` without a file, `store-truncated` for a file that ends before its last
 * used page, `store-format` for anything else.
 */
export function checkLmdbFile(path: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new Fault('store-missing', `there is no data file ${path}`, { cause: error });
    }
    throw new Fault('store-io', `cannot open the data file ${path}: ${(error as Error).message}`, { cause: error });
  }
  try {
    new LmdbFile(path, descriptor).check();
  } finally {
    closeSync(descriptor);
  }
}

class LmdbFile {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #bytes: number;

  constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#bytes = fstatSync(descriptor).size;
  }

  check(): void {
    if (this.#bytes === 0) throw this.#truncated('it is empty');
    const first = this.#meta(0);
    const second = this.#meta(first.pageBytes);
    const newest = second.transaction > first.transaction ? second : first;
    if (this.#bytes >= (newest.lastPage + 1) * newest.pageBytes) return;
    // The last pages may be free ones that were never written, so only the pages in use decide.
    const end = this.#endOfUse(newest) * newest.pageBytes;
    if (this.#bytes < end) throw this.#truncated(`it has ${this.#bytes} bytes and uses ${end}`);
  }

  #endOfUse(meta: Meta): number {
    try {
      return new UsedPages(meta, (page) => this.#page(page, meta.pageBytes)).end();
    } catch (error) {
      // A node that points outside of its page.
      if (error instanceof RangeError) throw this.#truncated('a page is damaged');
      throw error;
    }
  }

  #meta(position: number): Meta {
    const page = this.#read(position, headerBytes + 160);
    if (u32(page, headerBytes) !== magic) throw this.#foreign('it is not a data file of this store');
    const version = u32(page, headerBytes + 4) & 0xffff;
    if (version !== dataVersion) throw this.#foreign(`it has data format ${version}, this program reads ${dataVersion}`);
    const pageBytes = u32(page, headerBytes + 24);
    if (pageBytes < minPageBytes || pageBytes > maxPageBytes) throw this.#foreign(`it has pages of ${pageBytes} bytes`);
    return {
      pageBytes,
      roots: [u64(page, headerBytes + 64), u64(page, headerBytes + 112)],
      lastPage: Number(u64(page, headerBytes + 120)),
      transaction: u64(page, headerBytes + 128),
    };
  }

  #page(number: number, pageBytes: number): DataView {
    const page = this.#read(number * pageBytes, pageBytes);
    if (u64(page, 0) !== BigInt(number)) throw this.#truncated(`page ${number} is not what it should be`);
    return page;
  }

  #read(position: number, length: number): DataView {
    const bytes = new Uint8Array(length);
    const read = readSync(this.#descriptor, bytes, 0, length, position);
    if (read < length) throw this.#truncated(`it has ${this.#bytes} bytes and needs at least ${position + length}`);
    return new DataView(bytes.buffer);
  }

  #truncated(detail: string): Fault {
    return new Fault('store-truncated', `the data file ${this.#path} is cut off: ${detail}`, {
      hint: 'restore the store directory from a backup; nothing in it was changed',
    });
  }

  #foreign(detail: string): Fault {
    return new Fault('store-format', `cannot read the data file ${this.#path}: ${detail}`, {
      hint: 'use the version of secretctl that wrote it, or restore the store directory from a backup',
    });
  }
}

/** Walks the trees of one snapshot to find its last page in use. */
class UsedPages {
  readonly #meta: Meta;
  readonly #page: (number: number) => DataView;
  #visited = 0;
  #last = 1;

  constructor(meta: Meta, page: (number: number) => DataView) {
    this.#meta = meta;
    this.#page = page;
  }

  /** The number of the first page behind all that are in use. */
  end(): number {
    for (const root of this.#meta.roots) if (root !== noRoot) this.#walk(Number(root), 0);
    return this.#last + 1;
  }

  #walk(number: number, depth: number): void {
    if (depth > maxDepth || this.#visited++ > this.#meta.lastPage) {
      throw new Fault('store-truncated', 'the data file is damaged: its pages form a circle', {
        hint: 'restore the store directory from a backup; nothing in it was changed',
      });
    }
    this.#last = Math.max(this.#last, number);
    const page = this.#page(number);
    const flags = u16(page, 18);
    const nodes = u16(page, 20) >>> 1;
    for (let index = 0; index < nodes; index++) {
      const node = headerBytes + u16(page, headerBytes + index * 2);
      if ((flags & branch) !== 0) {
        this.#walk(u16(page, node) + u16(page, node + 2) * 2 ** 16 + u16(page, node + 4) * 2 ** 32, depth + 1);
      } else if ((flags & leaf) !== 0 && (u16(page, node + 4) & onOverflowPages) !== 0) {
        const data = node + 8 + u16(page, node + 6);
        this.#last = Math.max(this.#last, Number(u64(page, data)) + Number(u64(page, data + 16)) - 1);
      }
    }
  }
}

const littleEndian = endianness() === 'LE';
const u16 = (page: DataView, offset: number) => page.getUint16(offset, littleEndian);
const u32 = (page: DataView, offset: number) => page.getUint32(offset, littleEndian);
const u64 = (page: DataView, offset: number) => page.getBigUint64(offset, littleEndian);
