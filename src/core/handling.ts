import { type Clock, forOthers } from '../base/clock.ts';
import type { ApplyBody } from '../protocol/managed.ts';
import type { Reply } from '../protocol/reply.ts';
import { permissionDenied, RequestError } from '../protocol/request-error.ts';
import type { Request } from '../protocol/request.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { admittedBody, type ApplyAdmission } from './apply.ts';
import { isApply } from './apply-route.ts';
import { writeAudit } from './write-audit.ts';
import { type Authenticated, authenticate } from './authenticate.ts';
import {
  type Admission,
  admit,
  asRequestError,
  checkRequestPath,
  inOneForm,
  type CorridorParts,
  entryOf,
  type EntryParts,
  openRun,
  perform,
  Refusal,
} from './corridor.ts';
import { dataProblem } from './data-limits.ts';
import type { Issue } from './lease.ts';
import type { AuditEntry, AuditPort, BegunLease, LeasePort, TokenPort, WrappingPort } from './ports.ts';
import type { Verification } from './mount-type.ts';
import { RecordedRefusal } from './recorded-refusal.ts';
import { Rehearsed, seenIn, verifyAll } from './verification.ts';

export interface HandlingParts {
  readonly parts: CorridorParts;
  readonly store: TransactionalStore;
  readonly clock: Clock;
  readonly audit: AuditPort;
  readonly tokens: TokenPort;
  readonly leases: LeasePort;
  readonly wrapping: WrappingPort;
  readonly apply: (admission: ApplyAdmission, body: ApplyBody) => Promise<Reply>;
}

/** What both entries of a request say. */
type Asked = Pick<AuditEntry, 'request'> & EntryParts;

/** What the first look at a request found. */
type Look = Admission & { readonly useTaken: boolean; readonly prepare: (() => Promise<unknown>) | undefined };

/**
 * How a request passes the corridor. Most need one pass: a read tells nothing before both of its entries are durable,
 * a change commits nothing before its first one is. What costs something outside of the transaction that does the work
 * (a use of a limited token, a password hash, an apply) is looked at first and then done.
 */
export class Handling {
  readonly #with: HandlingParts;

  constructor(parts: HandlingParts) {
    this.#with = parts;
  }

  /** Throws RequestError, also for failures of the store. */
  async handle(sent: Request): Promise<Reply> {
    const now = this.#with.clock.now();
    // No time is no wrapping, for the policies too.
    const request = inOneForm(sent.wrapTtl === 0 ? { ...sent, wrapTtl: null } : sent);
    try {
      const problem = dataProblem(request.data);
      // Not even the audit log walks through what nests too deeply.
      if (problem !== null) return await this.#refuse({ ...request, data: {} }, problem);
      const reads = (request.operation === 'read' || request.operation === 'list') && request.wrapTtl === null;
      const done = reads ? await this.#read(request, now) : await this.#change(request, now);
      return done ?? (await this.#stepwise(request, now));
    } catch (error) {
      throw asRequestError(error);
    }
  }

  /** A read in one pass. Null: it needs two. */
  async #read(request: Request, now: number): Promise<Reply | null> {
    let done: { readonly admission: Admission; readonly reply: Reply | null } | null;
    try {
      checkRequestPath(request);
      done = await this.#with.store.read(async (tx) => {
        const { caller, ...opened } = await this.#open(tx, request, now, false);
        if (caller?.limitedUses === true) return null;
        const admission = await admit(this.#with.parts, opened.run, request, caller);
        if (admission.spec.issue !== undefined) return { admission, reply: null };
        if (!isOnePass(admission)) return null;
        return { admission, reply: await performed(admission) };
      });
    } catch (error) {
      if (!(error instanceof Failed)) return this.#refuse(request, error);
      const entry = { request, ...entryOf(error.admission), reply: null };
      const shown = asRequestError(error.cause);
      await this.#append([
        { type: 'request', ...entry, error: null },
        { type: 'response', ...entry, error: textOf(shown) },
      ]);
      throw shown;
    }
    if (done === null) return null;
    const { admission, reply } = done;
    const entry = { request, ...entryOf(admission) };
    const asked: AuditEntry = { type: 'request', ...entry, reply: null, error: null };
    if (reply === null) return this.#issue(request, entry, this.#append([asked]), false, now);
    await this.#append([asked, { type: 'response', ...entry, reply, error: null }]);
    return reply;
  }

  /** A change in one pass: it is worked out while its first entry is being written. Null: it needs two. */
  async #change(request: Request, now: number): Promise<Reply | null> {
    let entry = null as Asked | null;
    let audited = null as Promise<void> | null;
    const within = async (tx: Transaction): Promise<Reply | RecordedRefusal | null> => {
      const { run, caller } = await this.#open(tx, request, now, false);
      if (caller?.limitedUses === true) return null;
      const admission = await admit(this.#with.parts, run, request, caller);
      if (!isOnePass(admission)) return null;
      if (entry === null) {
        entry = { request, ...entryOf(admission) };
        audited = this.#append([{ type: 'request', ...entry, reply: null, error: null }]);
        // Whoever waits for it hears of it; until then it is not unhandled.
        audited.catch(() => undefined);
      }
      try {
        return await this.#wrapped(admission, await perform(admission, false, undefined));
      } catch (error) {
        if (error instanceof RecordedRefusal) return error;
        throw error;
      } finally {
        await audited;
      }
    };
    let reply: Reply | RecordedRefusal | null;
    try {
      checkRequestPath(request);
      reply = await this.#with.store.transact(within);
    } catch (error) {
      if (entry === null) return this.#refuse(request, error);
      return this.#fail(entry, audited, error);
    }
    if (reply === null) return null;
    if (entry === null) throw new TypeError('a change was made without an entry in the audit log');
    if (reply instanceof RecordedRefusal) return this.#fail(entry, audited, reply);
    await this.#append([{ type: 'response', ...entry, reply, error: null }], withheld);
    return reply;
  }

  /** A request in two passes. */
  async #stepwise(request: Request, now: number): Promise<Reply> {
    let admission: Look;
    let body: ApplyBody | null;
    try {
      admission = await this.#look(request, now);
      body = isApply(admission) ? await admittedBody(admission) : null;
    } catch (error) {
      return this.#refuse(request, error);
    }
    if (body !== null) return this.#with.apply(admission, body);
    const entry = { request, ...entryOf(admission) };
    const audited = this.#append([{ type: 'request', ...entry, reply: null, error: null }]);
    if (admission.spec.issue !== undefined) return this.#issue(request, entry, audited, admission.useTaken, now);
    await audited;
    let reply: Reply;
    try {
      await this.#verify(request, admission, now);
      reply = await this.#work(request, admission, now);
      reply = (await admission.spec.settle?.(admission.context, reply)) ?? reply;
    } catch (error) {
      return this.#fail(entry, null, error);
    }
    try {
      await this.#append([{ type: 'response', ...entry, reply, error: null }], withheld);
    } catch (error) {
      if (admission.spec.irreplaceable !== true) throw error;
    }
    return reply;
  }

  /**
   * First look, before the audit log knows: who asks and whether they may. It costs a use of a limited token, also
   * where they may not. An apply and a snapshot are one request, whatever they hold.
   */
  async #look(request: Request, now: number): Promise<Look> {
    checkRequestPath(request);
    const { caller, ...looked } = await this.#with.store.read(async (tx) => {
      const opened = await this.#open(tx, request, now, false);
      try {
        const admission = await admit(this.#with.parts, opened.run, request, opened.caller);
        return { caller: opened.caller, admission, prepare: await preparation(admission) };
      } catch (error) {
        if (error instanceof Refusal) return { caller: opened.caller, refusal: error };
        throw error;
      }
    });
    const limited = caller?.limitedUses === true && looked.admission?.spec.unauthenticated !== true;
    if (limited) {
      await this.#takeUse(caller.tokenId, looked.refusal === undefined ? entryOf(looked.admission) : looked.refusal.entry);
    }
    if (looked.refusal !== undefined) throw looked.refusal;
    return { ...looked.admission, useTaken: limited, prepare: looked.prepare };
  }

  /** Takes a use of a limited token. Throws Refusal where none is left by now. */
  async #takeUse(tokenId: string, entry: EntryParts): Promise<void> {
    const { store, tokens, parts } = this.#with;
    const taken = await store.transact((tx) => tokens.takeUse(parts.barrier.view(tx, 'core'), tokenId));
    if (!taken) throw new Refusal(permissionDenied(), entry);
  }

  /** Sees what the request would write, and checks that against the outside. */
  async #verify(request: Request, { spec, useTaken }: Look, now: number): Promise<void> {
    const { verify } = spec;
    if (verify?.when !== 'always') return;
    const rehearsal = this.#with.store.transact(async (tx): Promise<never> => {
      const { run, caller } = await this.#open(tx, request, now, useTaken);
      const admission = await admit(this.#with.parts, run, request, caller);
      await perform(admission, false);
      throw new Rehearsed(await verify.see(admission.context));
    });
    const check = await seenIn<Verification | null>(rehearsal);
    if (check !== null) await verifyAll([{ name: '', check }]);
  }

  /** Second look, in the transaction that does the work: nothing that the first saw is trusted by then. */
  async #work(request: Request, { useTaken, prepare }: Look, now: number): Promise<Reply> {
    const prepared = await prepare?.();
    const within = async (tx: Transaction): Promise<Reply> => {
      const { run, caller } = await this.#open(tx, request, now, useTaken);
      const admission = await admit(this.#with.parts, run, request, caller);
      return this.#wrapped(admission, await perform(admission, false, prepared));
    };
    const reads = request.operation === 'read' || request.operation === 'list';
    if (reads && request.wrapTtl === null) return this.#with.store.read(within);
    const done = await this.#with.store.transact((tx) =>
      within(tx).catch((error: unknown) => {
        if (error instanceof RecordedRefusal) return error;
        throw error;
      }),
    );
    if (done instanceof RecordedRefusal) throw done;
    return done;
  }

  /**
   * Makes something outside, under a lease that is durable before. Where anything fails after that, or the caller has
   * lost the right to it meanwhile, nobody gets it, and the lease is ended. The lease is begun while the first entry is
   * being written, and not committed before that is.
   */
  async #issue(request: Request, entry: Asked, audited: Promise<void>, useTaken: boolean, now: number): Promise<Reply> {
    // Whoever waits for it hears of it; until then it is not unhandled.
    audited.catch(() => undefined);
    const { store, parts, leases } = this.#with;
    let begun: { readonly issue: Issue; readonly lease: BegunLease };
    try {
      begun = await store.transact(async (tx) => {
        const { run, admission } = await this.#again(tx, request, useTaken, now);
        if (admission.spec.issue === undefined) throw new RequestError(409, 'its mount was changed meanwhile');
        const issue = await admission.spec.issue(admission.context);
        const lease = await leases.begin(admission.context, run.core, issue.lease);
        await issue.begun?.(lease.issued);
        await audited;
        return { issue, lease };
      });
    } catch (error) {
      return this.#fail(entry, audited, error);
    }
    const { issue, lease } = begun;
    const { id } = lease.issued;
    let reply: Reply | null = null;
    try {
      await issue.make(lease.issued, forOthers(this.#with.clock, lease.expiresAt), AbortSignal.timeout(longestMaking));
      reply = await store.transact(async (tx) => {
        const { run, admission } = await this.#again(tx, request, useTaken, now);
        const leaseDuration = await leases.activate(run.core, id, this.#with.clock.now());
        if (leaseDuration === null) throw new RequestError(500, 'the lease was revoked before it was given');
        return this.#wrapped(admission, { ...issue.reply, leaseId: id, leaseDuration, renewable: lease.renewable });
      });
      await this.#append([{ type: 'response', ...entry, reply, error: null }], ended);
      return reply;
    } catch (error) {
      // Where this fails too the background task finds the lease by its time.
      await store
        .transact((tx) => leases.abandon(tx, parts.barrier.view(tx, 'core'), id, this.#with.clock.now()))
        .catch(() => undefined);
      if (reply !== null) throw error;
      return this.#fail(entry, null, error);
    }
  }

  /** Who asks and whether they may, looked at once more in a transaction that does work. */
  async #again(tx: Transaction, request: Request, useTaken: boolean, now: number) {
    const { run, caller } = await this.#open(tx, request, now, useTaken);
    // A token that is used up ends, and with it what it leased.
    if (caller?.lastUse === true) throw new RequestError(400, lastUse);
    return { run, admission: await admit(this.#with.parts, run, request, caller) };
  }

  async #open(tx: Transaction, request: Request, now: number, useTaken: boolean) {
    const run = await openRun(this.#with.parts, tx, now);
    const caller: Authenticated | null = await authenticate(this.#with.parts, run, request, useTaken);
    return { run, caller };
  }

  async #wrapped(admission: Admission, reply: Reply): Promise<Reply> {
    const { wrapTtl } = admission.request;
    if (wrapTtl === null || !isWrappable(reply)) return reply;
    return this.#with.wrapping.wrap(admission.context, reply, wrapTtl);
  }

  /** Whatever ends a request before it is known what it asks for is audited too. */
  async #refuse(request: Request, error: unknown): Promise<never> {
    const entry = error instanceof Refusal ? error.entry : { verb: null, mount: null, auth: null };
    const shown = asRequestError(error);
    await this.#append([{ type: 'request', request, ...entry, reply: null, error: shown.message }]);
    throw shown;
  }

  /** What ends a request whose first entry is written, or could not be: then that is all there is to say. */
  async #fail(entry: Asked, audited: Promise<void> | null, error: unknown): Promise<never> {
    await audited;
    const shown = asRequestError(error);
    await this.#append([{ type: 'response', ...entry, reply: null, error: textOf(shown) }], failed);
    throw shown;
  }

  async #append(entries: readonly AuditEntry[], consequence = refused): Promise<void> {
    await writeAudit(this.#with.audit, entries, consequence);
  }
}

/** What an admitted read failed of. It is thrown through the transaction, which asks whether it rests on stale reads. */
class Failed extends Error {
  readonly admission: Admission;

  constructor(admission: Admission, cause: unknown) {
    super('an admitted read failed', { cause });
    this.admission = admission;
  }
}

async function performed(admission: Admission): Promise<Reply> {
  try {
    return await perform(admission, false, undefined);
  } catch (error) {
    throw new Failed(admission, error);
  }
}

async function preparation(admission: Admission): Promise<Look['prepare']> {
  try {
    return await admission.spec.prepare?.(admission.context);
  } catch (error) {
    throw error instanceof RequestError ? new Refusal(error, entryOf(admission)) : error;
  }
}

/** Is all of it done in one transaction? */
function isOnePass(admission: Admission): boolean {
  const { prepare, issue, settle, verify } = admission.spec;
  return [prepare, issue, settle, verify].every((part) => part === undefined) && !isApply(admission);
}

function textOf(shown: RequestError): string {
  return shown.message || `status ${shown.status}`;
}

/** Is there anything to wrap, and can an envelope hold it? */
function isWrappable(reply: Reply): boolean {
  return reply.wrapInfo === undefined && reply.json === undefined && reply.body === undefined && reply.status !== 204;
}

const refused = 'so the request is refused';
const failed = 'and the request failed';
const ended = 'so the answer is withheld, and what was made is revoked';
// A change has been committed by then.
const withheld = 'so the answer is withheld: the request was carried out, see what it did before you send it again';

const lastUse = 'Secret cannot be returned; token had one use left, so leased credentials were immediately revoked.';
/** How long the making of what is leased may take, in milliseconds: half as long as a lease may be pending. */
const longestMaking = 60_000;
