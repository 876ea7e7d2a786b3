import type { JsonObject } from '../../src/base/json.ts';
import type { ReplyAuth } from '../../src/protocol/reply.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import type { World } from '../world.ts';

export const hour = 3600;

/** A new token, by the root token unless another is given. */
export async function newToken(w: World, data: JsonObject = {}, by: string = w.rootToken, path = 'create'): Promise<ReplyAuth> {
  return authOf((await w.write(`auth/token/${path}`, data, by)).auth);
}

export function authOf(auth: ReplyAuth | null | undefined): ReplyAuth {
  if (auth === null || auth === undefined) throw new Error('the reply gives no token');
  return auth;
}

/** What a refused request was told: its status and the first message. */
export async function refusal(reply: Promise<unknown>): Promise<[number, string]> {
  try {
    await reply;
  } catch (error) {
    if (error instanceof RequestError) return [error.status, error.errors[0] ?? ''];
    throw error;
  }
  throw new Error('the request was not refused');
}

/** Does a token work? It must have the policy `default`. */
export async function works(w: World, token: string): Promise<boolean> {
  return (await w.status('read', 'auth/token/lookup-self', {}, token)) === 200;
}

export function seconds(w: World, count: number): void {
  w.clock.time += count * 1000;
}

/** How often a property runs: `small` times in CI, `full` times with SECRETCTL_FULL=1, from SECRETCTL_SEED if set. */
export function runs(small: number, full: number): { readonly numRuns: number; readonly seed?: number } {
  const seed = process.env['SECRETCTL_SEED'];
  return { numRuns: process.env['SECRETCTL_FULL'] === '1' ? full : small, ...(seed === undefined ? {} : { seed: Number(seed) }) };
}
