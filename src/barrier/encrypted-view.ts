import { fromUtf8, utf8 } from '../base/bytes.ts';
import type { Json } from '../base/json.ts';
import type { Transaction } from '../storage/transaction.ts';
import { areaPrefix, behindFolder, recordKey, type Area } from './layout.ts';
import { corruptRecord } from './record.ts';
import type { Records } from './records.ts';
import type { View, ViewRecord } from './view.ts';

const firstPage = 64;
const largestPage = 1024;

/** A view of an area, or of what lies below a folder of it. */
export class EncryptedView implements View {
  readonly #records: Records;
  readonly #tx: Transaction;
  readonly #area: Area;
  readonly #prefix: string;

  constructor(records: Records, tx: Transaction, area: Area, prefix: string = areaPrefix(area)) {
    this.#records = records;
    this.#tx = tx;
    this.#area = area;
    this.#prefix = prefix;
  }

  async get(path: string): Promise<ViewRecord | null> {
    const key = recordKey(this.#prefix, path);
    return await this.#records.read(this.#tx, this.#area, key, (value, version) => ({ value: new Uint8Array(value), version }));
  }

  async getJson<T = Json>(path: string): Promise<T | null> {
    const key = recordKey(this.#prefix, path);
    return await this.#records.read(this.#tx, this.#area, key, (value) => {
      try {
        return JSON.parse(fromUtf8(value)) as T;
      } catch {
        // The parser's message would quote the record.
        throw corruptRecord(key, 'it holds something else than JSON');
      }
    });
  }

  async put(path: string, value: Uint8Array): Promise<void> {
    await this.#records.write(this.#tx, this.#area, recordKey(this.#prefix, path), value);
  }

  async putJson(path: string, value: unknown): Promise<void> {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`what is put at ${path} has no JSON form`);
    await this.put(path, utf8(text));
  }

  async delete(path: string): Promise<void> {
    const key = recordKey(this.#prefix, path);
    await this.#records.assertReadable(this.#tx, this.#area);
    this.#tx.delete(key);
  }

  async deleteAll(prefix: string): Promise<number> {
    const paths = await this.scan(prefix);
    for (const path of paths) this.#tx.delete(this.#prefix + path);
    return paths.length;
  }

  async children(folder: string, options: { readonly after?: string; readonly limit?: number } = {}): Promise<string[]> {
    const { after, limit = Infinity } = options;
    const base = this.#prefix + checkedFolder(folder);
    await this.#records.assertReadable(this.#tx, this.#area);
    const names: string[] = [];
    let cursor = after === undefined ? undefined : base + checkedText(after);
    // The folder in which the last key lay: what follows of it is passed over.
    let inside = after?.endsWith('/') ? base + after : null;
    let page = Math.min(firstPage, limit);
    while (names.length < limit) {
      if (inside !== null) {
        cursor = behindFolder(inside);
        inside = null;
        // A list starts behind its cursor, so that a record right at the cursor is asked for.
        if ((await this.#tx.get(cursor)) !== null) names.push(cursor.slice(base.length));
        continue;
      }
      const keys = await this.#tx.list(base, { limit: page, ...(cursor === undefined ? {} : { after: cursor }) });
      for (const { key } of keys) {
        if (names.length === limit) break;
        if (inside !== null && key.startsWith(inside)) continue;
        const slash = key.indexOf('/', base.length);
        const name = slash < 0 ? key.slice(base.length) : key.slice(base.length, slash + 1);
        inside = slash < 0 ? null : base + name;
        names.push(name);
      }
      if (keys.length < page) break;
      cursor = keys.at(-1)?.key;
      if (inside === null) page = Math.min(page * 2, largestPage);
    }
    return names;
  }

  async scan(prefix: string, options: { readonly after?: string; readonly limit?: number } = {}): Promise<string[]> {
    const { after, limit } = options;
    checkedText(prefix);
    await this.#records.assertReadable(this.#tx, this.#area);
    const keys = await this.#tx.list(this.#prefix + prefix, {
      ...(after === undefined ? {} : { after: this.#prefix + checkedText(after) }),
      ...(limit === undefined ? {} : { limit }),
    });
    return keys.map(({ key }) => key.slice(this.#prefix.length));
  }

  below(prefix: string): View {
    if (prefix === '') throw new TypeError('a view below nothing');
    return new EncryptedView(this.#records, this.#tx, this.#area, this.#prefix + checkedFolder(prefix));
  }
}

function checkedFolder(folder: string): string {
  if (folder !== '' && (!folder.endsWith('/') || folder.startsWith('/') || folder.includes('//'))) {
    throw new TypeError(`not a folder: ${JSON.stringify(folder)}`);
  }
  return checkedText(folder);
}

// A lone surrogate has no UTF-8 form: the backend would look for another key.
function checkedText(text: string): string {
  if (!text.isWellFormed()) throw new TypeError(`not well-formed text: ${JSON.stringify(text)}`);
  return text;
}
