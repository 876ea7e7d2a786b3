import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import { runOf, type Run } from '../core/corridor.ts';
import type { Caller } from '../core/caller.ts';
import { nextPart } from '../core/lease-count.ts';
import { mountRoute } from '../core/mount-index.ts';
import type { Mount, MountType, RouteContext } from '../core/mount-type.ts';
import type { Grant, Identity, IdentityPort } from '../core/ports.ts';
import { badRequest, permissionDenied } from '../protocol/request-error.ts';
import type { Transaction } from '../storage/transaction.ts';
import { Revocation } from './revocation.ts';
import { readTokenRole, roleGrant } from './role.ts';
import { type TokenKey, TokenKeys } from './token-key.ts';
import { TokenRecords } from './token-records.ts';
import { batchPrefix, maxTokenLength, type Token, type TokenRecord } from './token.ts';

/** What `compose.ts` lends to tokens. */
export interface TokenParts {
  readonly clock: Clock;
  /** The auth methods whose logins give tokens. */
  readonly methods: readonly MountType[];
  readonly identity: IdentityPort;
  /** The storage of a mount, in a transaction. */
  storageOf(tx: Transaction, mountId: string): View;
  /** What a token keeps outside of its record: its part of the cubbyhole. */
  cubbyhole(tx: Transaction, tokenId: string): View;
  /** Empties it. */
  forget(tx: Transaction, tokenId: string): Promise<void>;
  /**
   * Throws RequestError 429 where a quota allows no more tokens of a mount at a path inside it, or of logins of a role
   * (null: it is none).
   */
  admitLease(run: Run, mount: Mount, path: string, role: string | null): Promise<void>;
  /** Has the background look no later than at a time: a token is due for removal then. */
  expect?(due: number): void;
  /** Is there a policy of this name? `core` is the core's view. */
  policyExists(core: View, name: string): Promise<boolean>;
}

/** The tokens as one transaction sees them: what the port and the routes share. */
export class Tokens {
  readonly records: TokenRecords;
  readonly #view: View;
  readonly #key: TokenKey;

  private constructor(view: View, key: TokenKey, expect?: (due: number) => void) {
    this.#view = view;
    this.#key = key;
    this.records = new TokenRecords(view, key, expect);
  }

  /** `core` is the core's view; `expect` as in TokenRecords. */
  static async open(keys: TokenKeys, core: View, expect?: (due: number) => void): Promise<Tokens> {
    const view = core.below('token/');
    return new Tokens(view, await keys.load(view), expect);
  }

  idOf(token: string): string {
    return this.#key.tokenId(token);
  }

  /** What a presented token is, whether it still works or not. Null: nothing of ours. */
  async identify(token: string): Promise<Token | null> {
    if (token === '' || token.length > maxTokenLength || !token.isWellFormed()) return null;
    const id = this.#key.tokenId(token);
    if (token.startsWith(batchPrefix)) {
      const json = this.#key.openBatch(token.slice(batchPrefix.length));
      return json === null ? null : { id, type: 'batch', record: JSON.parse(json) as TokenRecord };
    }
    const record = await this.records.get(id);
    return record === null ? null : { id, type: 'service', record };
  }

  /** A batch token: its record encrypted, and nothing stored. Throws RequestError 400 where that is too long. */
  batchToken(record: TokenRecord, random: Random): string {
    const token = batchPrefix + this.#key.sealBatch(JSON.stringify(record), random);
    if (token.length > maxTokenLength) {
      throw badRequest('a batch token carries its metadata in itself, and this is too much of it');
    }
    return token;
  }

  revocation(forget: (tokenId: string) => Promise<void>): Revocation {
    return new Revocation(this.#view, this.#key, forget);
  }
}

/** Keeps the parts and the prepared key; opens `Tokens` for a request. */
export class TokenDesk {
  readonly parts: TokenParts;
  readonly #keys = new TokenKeys();

  constructor(parts: TokenParts) {
    this.parts = parts;
  }

  open(core: View): Promise<Tokens> {
    return Tokens.open(this.#keys, core, this.parts.expect);
  }

  async openFor(context: RouteContext): Promise<Tokens> {
    return this.open(runOf(context).core);
  }

  async revocation(context: RouteContext): Promise<Revocation> {
    const { tx } = runOf(context);
    return (await this.openFor(context)).revocation((id) => this.parts.forget(tx, id));
  }

  /** A token as it was presented, or null where it does not work. The addresses that it is bound to are not asked. */
  async presented(context: RouteContext, tokens: Tokens, text: string): Promise<Token | null> {
    const token = await tokens.identify(text);
    return token !== null && (await this.works(context, tokens, token)) ? token : null;
  }

  /** The token of an accessor, or null where there is none that works. */
  async ofAccessor(context: RouteContext, tokens: Tokens, accessor: string): Promise<Token | null> {
    const id = await tokens.records.byAccessor(accessor);
    const record = id === null ? null : await tokens.records.get(id);
    if (id === null || record === null) return null;
    const token: Token = { id, type: 'service', record };
    return (await this.works(context, tokens, token)) ? token : null;
  }

  /** Does a token work at this moment, as its records and every binding under it say? */
  async works(context: RouteContext, tokens: Tokens, { id, record }: Token): Promise<boolean> {
    // What took the last use of a token may well be to ask what it is.
    if (record.numUses > 0 && record.usesLeft === 0 && id !== context.caller?.tokenId) return false;
    const grants = await tokens.records.standing(record, context.now);
    if (grants === null) return false;
    for (const grant of grants) {
      const ends = await this.#grantEnds(runOf(context), grant);
      if (ends === null || (ends !== 'never' && ends <= context.now)) return false;
    }
    return true;
  }

  /** Who is behind a token in this transaction; null: nobody, or somebody who is gone or disabled. */
  async identityOf(context: RouteContext, { entityId }: Pick<TokenRecord, 'entityId'>): Promise<Identity | null> {
    return entityId === undefined ? null : this.parts.identity.resolve(runOf(context).core, entityId);
  }

  /** Whether a quota allows one more token, and as what it is counted. Throws RequestError 429. */
  async counted(context: RouteContext): Promise<Pick<TokenRecord, 'counted'>> {
    const { mount, request, storage, data } = context;
    const path = request.path.slice(mountRoute(mount).length + 1);
    const method = this.parts.methods.find(({ type }) => mount.class === 'auth' && type === mount.type);
    const role = (await method?.loginRole?.(storage, path, data)) ?? null;
    await this.parts.admitLease(runOf(context), mount, path, role);
    return { counted: { path, role, part: nextPart() } };
  }

  /** The mount that gave a token by a login, with its type. Null: it is gone. */
  methodOf(
    context: RouteContext,
    mountId: string,
  ): { readonly mount: Mount; readonly type: MountType; readonly storage: View } | null {
    const run = runOf(context);
    const mount = run.mounts.byId(mountId);
    const type = this.parts.methods.find((method) => method.type === mount?.type);
    if (mount?.class !== 'auth' || type === undefined) return null;
    return { mount, type, storage: this.parts.storageOf(run.tx, mountId) };
  }

  wipe(): void {
    this.#keys.wipe();
  }

  async #grantEnds(run: Run, { mountId, role }: Grant): Promise<number | 'never' | null> {
    const mount = run.mounts.byId(mountId);
    if (mount?.class === 'system') return roleGrant(await readTokenRole(run.core, role));
    const type = this.parts.methods.find((method) => method.type === mount?.type);
    if (mount?.class !== 'auth' || type?.grant === undefined) return null;
    return type.grant(this.parts.storageOf(run.tx, mountId), role);
  }
}

/** Routes that are not unauthenticated always have a caller; should that ever be wrong, nothing is given away. */
export function callerOf(context: RouteContext): Caller {
  if (context.caller === null) throw permissionDenied();
  return context.caller;
}

/** Has the caller `sudo` on the path of the request? */
export function hasSudo(context: RouteContext): boolean {
  const capabilities = callerOf(context).acl.capabilities(context.request.path);
  return capabilities.includes('sudo') || capabilities.includes('root');
}
