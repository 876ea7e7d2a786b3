import { atPointer, isJsonObject, type Json, type JsonObject, pointerTokens } from '../base/json.ts';
import { addressText, type ApplyRequest, type ManagedAddress, type SealedPayload } from '../protocol/managed.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { Admission, CoreContext } from './corridor.ts';
import type { SealedBlocks } from './sealed-blocks.ts';

/**
 * The request's body with every value source replaced by its value; without any, the body itself. To be called after
 * the request was authorised, and what it gives is to be authorised again. Throws RequestError 400 where the request
 * does not write the values of the object at `address`, and for a block that does not open here or is bound to another
 * address or field.
 */
export async function resolveValues(
  request: ApplyRequest,
  address: ManagedAddress,
  admission: Pick<Admission, 'spec' | 'context'>,
  blocks: SealedBlocks,
): Promise<JsonObject> {
  const { values = [] } = request;
  if (values.length === 0) return request.data;
  const resolved = new Replacements();
  for (const { at, field } of values) {
    checkDestination(request, at, address, admission);
    const source = atPointer(request.data, at);
    if (!isJsonObject(source))
      throw badRequest(`${addressText(address)}: there is no value source at ${at} of the request to ${request.path}`);
    resolved.put(pointerTokens(at), await valueOf(source, field, address, admission.context, blocks));
  }
  return resolved.in(request.data) as JsonObject;
}

/** A value goes into the object that it was made for: who may write elsewhere must not learn it there. */
function checkDestination(
  { path }: ApplyRequest,
  at: string,
  address: ManagedAddress,
  { spec: { valuesOf: place }, context: { mount, params } }: Pick<Admission, 'spec' | 'context'>,
): void {
  const ofObject =
    place !== undefined && place.kind === address.kind && mount.path === address.mount && params[place.name] === address.name;
  if (ofObject && place.within.some((within) => at === within || at.startsWith(`${within}/`))) return;
  throw badRequest(`${addressText(address)}: ${path} is not where the values of this object are written`);
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

/** Values by the place where they go, so that a body of many is copied once. */
class Replacements {
  readonly #below = new Map<string, Replacements>();
  #value: { readonly value: Json } | null = null;

  put(tokens: readonly string[], value: Json): void {
    const [token, ...rest] = tokens;
    if (token === undefined) {
      this.#value = { value };
      return;
    }
    let below = this.#below.get(token);
    if (below === undefined) this.#below.set(token, (below = new Replacements()));
    below.put(rest, value);
  }

  in(data: Json): Json {
    if (this.#value !== null) return this.#value.value;
    const replaced = (token: string, member: Json): Json => this.#below.get(token)?.in(member) ?? null;
    if (Array.isArray(data)) {
      return (data as readonly Json[]).map((item, index) =>
        this.#below.has(String(index)) ? replaced(String(index), item) : item,
      );
    }
    // Made from entries: a member may be called __proto__.
    return Object.fromEntries(
      Object.entries(data as JsonObject).map(([name, member]) => [name, this.#below.has(name) ? replaced(name, member) : member]),
    );
  }
}
