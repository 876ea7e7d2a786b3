import type { Json, JsonObject } from '../base/json.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';

/** The most bytes that one secret takes up as JSON. */
const maxSecretBytes = 1024 * 1024;
const maxDepth = 64;

/**
 * Refuses a secret that is too large (413) or too deeply nested (400) to be kept. After it, functions that recurse into
 * the secret need no limit of their own.
 */
export function checkSecretBody(data: JsonObject): void {
  checkDepth(data);
  const bytes = Buffer.byteLength(JSON.stringify(data));
  if (bytes > maxSecretBytes) {
    throw new RequestError(
      413,
      `the secret is too large: ${bytes} bytes as JSON, at most ${maxSecretBytes} are kept under one path`,
    );
  }
}

function checkDepth(data: JsonObject): void {
  let level: readonly Json[] = [data];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) throw badRequest(`the secret is nested too deeply: at most ${maxDepth} levels are kept`);
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? (Object.values(value) as readonly Json[]) : [],
    );
  }
}
