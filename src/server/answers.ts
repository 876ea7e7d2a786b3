import { fromBase64, toHex } from '../base/bytes.ts';
import type { JsonObject } from '../base/json.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { Remote, Request } from '../protocol/request.ts';
import { health, leader, type NodeStatus, sealStatus } from './status.ts';
import type { InitBody, Initialized } from './seals.ts';

/** What the answers of a node that may be sealed rest on. */
export interface Answering {
  status(): NodeStatus;
  /** `from`: where the request came from. */
  unseal(body: UnsealBody, from: Remote | null): Promise<void>;
  initialize(body: InitBody): Promise<Initialized>;
}

/** The body of sys/unseal. */
export interface UnsealBody {
  readonly key: string;
  readonly reset: boolean;
  readonly migrate: boolean;
}

type Answers = Partial<Readonly<Record<Request['operation'], (on: Answering, request: Request) => Promise<Reply>>>>;

/**
 * What is answered without a token whether the store is open or not, as the bare objects that clients know
 * (https://developer.hashicorp.com/vault/api-docs/system). Null: the request is none of these.
 */
export function answerOf(on: Answering, request: Request): Promise<Reply> | null {
  if (!Object.hasOwn(answers, request.path)) return null;
  const answer = answers[request.path]?.[request.operation];
  return answer?.(on, request) ?? Promise.reject(new RequestError(405, []));
}

const answers: Readonly<Record<string, Answers>> = {
  'sys/health': { read: async (on, { data }) => ({ status: healthCode(on.status(), data), json: health(on.status()) }) },
  'sys/seal-status': { read: async (on) => ({ json: sealStatus(on.status()) }) },
  'sys/leader': { read: async () => ({ json: leader() }) },
  'sys/init': {
    read: async (on) => ({ json: { initialized: on.status().unsealing !== null } }),
    write: async (on, { data }) => ({ json: initBody(await on.initialize(data)) }),
  },
  'sys/unseal': {
    write: async (on, { data, remote }) => {
      await on.unseal(readFields(unsealFields, data), remote);
      return { json: sealStatus(on.status()) };
    },
  },
};

const unsealFields = {
  key: { type: 'string', description: 'A share, in base64 or hex.', default: '' },
  reset: { type: 'bool', description: 'Forget the shares given so far.', default: false },
  migrate: { type: 'bool', description: 'The share is of the seal that is migrated from.', default: false },
} as const satisfies Fields;

/** The status of sys/health: load balancers choose by it, and may ask for others. */
function healthCode(status: NodeStatus, query: JsonObject): number {
  const code = (name: string, otherwise: number): number => {
    if (query[name] === undefined) return otherwise;
    const asked = Number(query[name]);
    if (!Number.isInteger(asked) || asked < 200 || asked > 599) throw badRequest(`${name} must be an HTTP status`);
    return asked;
  };
  const uninitialized = code('uninitcode', 501);
  const sealed = code('sealedcode', 503);
  const active = code('activecode', 200);
  if (status.unsealing === null) return uninitialized;
  return status.sealed ? sealed : active;
}

function initBody({ shares, recoveryShares, rootToken }: Initialized): JsonObject {
  return {
    keys: shares.map(inHex),
    keys_base64: shares,
    ...(recoveryShares.length === 0 ? {} : { recovery_keys: recoveryShares.map(inHex), recovery_keys_base64: recoveryShares }),
    root_token: rootToken,
  };
}

function inHex(share: string): string {
  return toHex(fromBase64(share) ?? new Uint8Array());
}
