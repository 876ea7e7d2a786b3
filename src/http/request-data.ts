import type { JsonObject } from '../base/json.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { Asked } from './asked.ts';
import type { IncomingBody } from './body.ts';
import type { RequestHeaders } from './headers.ts';
import { parseJsonBody } from './json-body.ts';
import { JsonScan } from './json-scan.ts';
import type { HttpLimits } from './limits.ts';
import { formData } from './query.ts';

const mergePatch = 'application/merge-patch+json';
const form = 'application/x-www-form-urlencoded';

/** Their bodies hold a whole configuration. */
function isBulk(path: string): boolean {
  return path === 'sys/apply' || path.startsWith('sys/managed/');
}

/**
 * The data of a write: JSON whatever the type of the body says, but for a form that says so and does not begin like JSON.
 * `mayWrite` is asked before more is read than of anybody. Throws RequestError 400, 413, 415 or 503.
 */
export async function readData(
  body: IncomingBody,
  asked: Asked,
  headers: RequestHeaders,
  limits: HttpLimits,
  mayWrite: () => Promise<boolean>,
): Promise<JsonObject> {
  const { mediaType, token } = headers;
  if (asked.operation === 'patch' && mediaType !== mergePatch) {
    if (mediaType === '') throw badRequest(`PATCH requires Content-Type of ${mergePatch}`);
    throw new RequestError(415, `PATCH requires Content-Type of ${mergePatch}, provided ${mediaType}`);
  }
  const bulk = isBulk(asked.path);
  // A token costs nothing to make up: what many megabytes cost is only for whoever could do something with them.
  const dear = bulk || body.length === null || body.length > limits.maxAnonymousBodyBytes;
  const trusted = token !== null && dear && (await mayWrite());
  const limit = trusted ? limits.maxBodyBytes : limits.maxAnonymousBodyBytes;
  const tokens = trusted && bulk ? limits.maxBulkJsonTokens : limits.maxJsonTokens;
  const scan = new JsonScan({ tokens, depth: limits.maxJsonDepth });
  if (mediaType !== form) return parseJsonBody(await body.read(limit, (chunk) => scan.feed(chunk)), scan);
  const bytes = await body.read(limit, null);
  const first = bytes.toString('latin1', 0, 512).trimStart()[0] ?? '{';
  if (first !== '{' && first !== '[') return formData(bytes, limits.maxParameters);
  scan.feed(bytes);
  return parseJsonBody(bytes, scan);
}
