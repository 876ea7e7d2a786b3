import type { JsonObject } from '../base/json.ts';
import { readFields, type Fields } from './field.ts';

/** The fields of a list request that may ask for one page. */
export const pageFields = {
  after: { type: 'string', description: 'Only what comes after this one, which need not exist.', default: '' },
  limit: { type: 'int', description: 'At most this many; 0 or less: all of them.', default: 0 },
} as const satisfies Fields;

/** The page that a list request asks for, as View.children takes it. Throws RequestError 400 as `readFields`. */
export function readPage(data: JsonObject): { readonly after?: string; readonly limit?: number } {
  const { after, limit } = readFields(pageFields, data);
  return { ...(after === '' ? {} : { after }), ...(limit > 0 ? { limit } : {}) };
}
