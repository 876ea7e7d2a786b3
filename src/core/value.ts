import { atPointer, isJsonObject, type Json, type JsonObject, pointerTokens } from '../base/json.ts';
import { addressText, type ApplyRequest, type ManagedAddress, type SealedPayload } from '../protocol/managed.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { CoreContext } from './corridor.ts';
import type { SealedBlocks } from './sealed-blocks.ts';

/**
 * The request's body with every value source replaced by its value. To be called after the request was authorised.
 * Throws RequestError 400 for a block that does not open here or is bound to another address or field.
 */
export async function resolveValues(
  request: ApplyRequest,
  address: ManagedAddress,
  context: CoreContext,
  blocks: SealedBlocks,
): Promise<JsonObject> {
  let data = request.data;
  for (const { at, field } of request.values ?? []) {
    const source = atPointer(data, at);
    if (!isJsonObject(source))
      throw badRequest(`${addressText(address)}: there is no value source at ${at} of the request to ${request.path}`);
    data = replaceAt(data, pointerTokens(at), await valueOf(source, field, address, context, blocks)) as JsonObject;
  }
  return data;
}

async function valueOf(
  source: JsonObject,
  field: string,
  address: ManagedAddress,
  context: CoreContext,
  blocks: SealedBlocks,
): Promise<Json> {
  if (Object.hasOwn(source, 'literal')) return source.literal ?? null;
  if (typeof source.sealed === 'string') return openBound(source.sealed, field, address, context, blocks);
  if (isJsonObject(source.generate)) return generate(source.generate, address, field, context);
  throw badRequest(
    `${addressText(address)}: the value of ${field} comes from ${Object.keys(source).join(', ')}, which only the command line of the person who applies can resolve`,
  );
}

async function openBound(
  block: string,
  field: string,
  address: ManagedAddress,
  context: CoreContext,
  blocks: SealedBlocks,
): Promise<Json> {
  const payload = await blocks.open(context.run.core, block);
  checkBinding(payload, address, field);
  return payload.value;
}

/** A sealed block counts only at the address and field it was made for: nobody can move a secret by copying its block. */
export function checkBinding(payload: SealedPayload, address: ManagedAddress, field: string): void {
  const [kind, mount, name] = payload.address;
  if (kind === address.kind && mount === address.mount && name === address.name && payload.field === field) return;
  const made = `${addressText({ kind, mount, name })} ${payload.field}`;
  const here = `${addressText(address)} ${field}`;
  throw badRequest(
    `the sealed block at ${here} was made for ${made} and opens only there; seal the value again: secretctl encrypt ${addressText(address)} ${field}` +
      `, or re-bind the block: secretctl encrypt -rewrap`,
  );
}

async function generate(parameters: JsonObject, address: ManagedAddress, field: string, context: CoreContext): Promise<string> {
  const { policy, length, charset } = parameters;
  if (typeof policy === 'string') return context.services.generatePassword(context, policy);
  if (typeof length !== 'number' || !Number.isInteger(length) || length < 1 || length > 4096) {
    throw badRequest(`${addressText(address)}: generate.length of ${field} must be a whole number from 1 to 4096`);
  }
  return context.services.generateFromCharset(context.random, typeof charset === 'string' ? { length, charset } : { length });
}

function replaceAt(value: Json, tokens: readonly string[], replacement: Json): Json {
  const [token, ...rest] = tokens;
  if (token === undefined) return replacement;
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, index) => (String(index) === token ? replaceAt(item, rest, replacement) : item));
  const object = value as JsonObject;
  return { ...object, [token]: replaceAt(object[token] ?? null, rest, replacement) };
}
