import type { View } from '../../src/barrier/view.ts';

export async function openView(): Promise<{ readonly storage: View }> {
  const records = new Map<string, Uint8Array>();
  const sortedKeys = () => [...records.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const make = (prefix: string): View => ({
    async get(path) {
      const value = records.get(prefix + path);
      return value === undefined ? null : { value, version: 1 };
    },
    async getJson<T>(path: string) {
      const value = records.get(prefix + path);
      return value === undefined ? null : (JSON.parse(Buffer.from(value).toString()) as T);
    },
    async put(path, value) {
      records.set(prefix + path, value);
    },
    async putJson(path, value) {
      records.set(prefix + path, Buffer.from(JSON.stringify(value)));
    },
    async delete(path) {
      records.delete(prefix + path);
    },
    async deleteAll(under) {
      const keys = sortedKeys().filter((key) => key.startsWith(prefix + under));
      for (const key of keys) records.delete(key);
      return keys.length;
    },
    async children(folder, options = {}) {
      const names = new Set<string>();
      for (const key of sortedKeys()) {
        if (!key.startsWith(prefix + folder)) continue;
        const rest = key.slice((prefix + folder).length);
        const slash = rest.indexOf('/');
        const name = slash < 0 ? rest : rest.slice(0, slash + 1);
        if (options.after === undefined || Buffer.compare(Buffer.from(name), Buffer.from(options.after)) > 0) names.add(name);
      }
      return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).slice(0, options.limit);
    },
    async scan(under, options = {}) {
      return sortedKeys()
        .filter((key) => key.startsWith(prefix + under))
        .map((key) => key.slice(prefix.length))
        .slice(0, options.limit);
    },
    below: (more) => make(prefix + more),
  });
  return { storage: make('') };
}
