import type { JsonObject } from '../base/json.ts';
import { badRequest, MissingMount, RequestError } from '../protocol/request-error.ts';
import type { Request } from '../protocol/request.ts';
import type { Caller } from './caller.ts';
import { admit, asRequestError, checkRequestPath, type CorridorParts, perform, type Run } from './corridor.ts';

/**
 * The data of one authorised read for a plan, or null for nothing there (also: no such mount). Other refusals are
 * thrown, also of a read whose reply may hold a secret.
 */
export async function readReply(
  parts: CorridorParts,
  run: Run,
  request: Request,
  caller: Caller | null,
): Promise<JsonObject | null> {
  checkRequestPath(request);
  try {
    const admission = await admit(parts, run, request, caller);
    if (admission.spec.forPlans !== true) throw badRequest('its reply may hold a secret, so it is read by a request of its own');
    return (await perform(admission, true)).data ?? null;
  } catch (error) {
    const shown = asRequestError(error);
    if (shown.status === 404 || shown instanceof MissingMount) return null;
    throw new RequestError(shown.status, `${request.operation} ${request.path}: ${shown.message}`, { cause: error });
  }
}
