import { fromBase64, fromHex } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import { Mutex } from '../base/mutex.ts';
import type { Timer } from '../base/timer.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Remote, Request } from '../protocol/request.ts';
import type { CrossOrigin, RequestLine, Service } from '../protocol/request-line.ts';
import { mayRecover, type Unsealing } from '../seal/unsealing.ts';
import type { StagedRestore } from '../storage/restore.ts';
import { answerOf, type Answering, type UnsealBody } from './answers.ts';
import { Attempts } from './attempts.ts';
import type { Log } from './log.ts';
import { noteRestore } from './restores.ts';
import { Retry } from './retry.ts';
import { SealWatch } from './seal-watch.ts';
import { type InitBody, initialized, type Initialized, type Seals } from './seals.ts';
import { Served, type Serving } from './served.ts';
import type { NodeStatus } from './status.ts';
import { describe, faultOfStore, storeProblem } from './trouble.ts';

export interface NodeParts {
  readonly storeId: string;
  readonly storageType: string;
  readonly clusterName: string;
  readonly clock: Clock;
  readonly timer: Timer;
  /** The store's seals, and how it is initialized. */
  readonly seals: Seals;
  /** Builds what serves on an open barrier. Throws where the store cannot be served (its audit log is damaged). */
  serve(barrier: Barrier): Promise<Serving>;
  /** The snapshot that a request brought; null: none. */
  takeRestore(requestId: string): StagedRestore | null;
  /** Opens the data file anew, perhaps with another one in its place. Throws Fault. */
  reopen(between?: () => void): Promise<void>;
  /** This process can't go on with the store: another one owns it, or its medium fails. */
  fatal(reason: string): void;
  readonly log: Log;
  /** Told of each request; what it returns is told the status of the answer. */
  readonly observe: (request: Request) => (status: number) => void;
}

/**
 * The life of a store in a server: not initialized, sealed, unsealed and sealed again. What needs no open store is
 * answered here, everything else by what `serve` built.
 */
export class Node implements Service {
  readonly #parts: NodeParts;
  /** Null: the store is not initialized. */
  #unsealing: Unsealing | null = null;
  #barrier: Barrier | null = null;
  /** Why it is sealed although nobody sealed it, or open and not served; holds no secret. */
  #problem: string | null = null;
  readonly #served: Served;
  readonly #retry: Retry;
  readonly #attempts: Attempts;
  readonly #watch: SealWatch;
  #stopped = false;
  /** Changes of state come one after the other. */
  readonly #turns = new Mutex();

  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.#served = new Served(parts);
    this.#retry = new Retry(parts.timer);
    this.#attempts = new Attempts(parts);
    this.#watch = new SealWatch({ ...parts, health: async () => (await this.#unsealing?.health()) ?? null });
  }

  /** Finds out what the store is, and unseals it where its seal needs nobody. */
  async start(): Promise<void> {
    await this.#turns.run(async () => {
      await this.#findSeal();
      await this.#tryUnattended();
    });
  }

  /** Null: the store is not initialized. */
  async #findSeal(): Promise<Unsealing | null> {
    this.#unsealing ??= await this.#parts.seals.open();
    return this.#unsealing;
  }

  status(): NodeStatus {
    const { storeId, storageType, clusterName } = this.#parts;
    return {
      sealed: this.#barrier === null,
      sealType: this.#parts.seals.type,
      unsealing: this.#unsealing?.status() ?? null,
      storageType,
      storeId,
      clusterName,
      now: this.#parts.clock.now(),
      problem: this.#problem ?? this.#watch.problem,
    };
  }

  async admit(line: RequestLine): Promise<Readonly<Record<string, string>>> {
    return (await this.#served.now?.admit(line)) ?? {};
  }

  async crossOrigin(origin: string): Promise<CrossOrigin | null> {
    return (await this.#served.now?.crossOrigin(origin)) ?? null;
  }

  async mayWrite(line: RequestLine): Promise<boolean> {
    return (await this.#served.now?.mayWrite(line)) ?? false;
  }

  async handle(request: Request): Promise<Reply> {
    const answered = this.#parts.observe(request);
    try {
      const reply = await this.#handle(request);
      answered(reply.status ?? 200);
      return reply;
    } catch (error) {
      answered(error instanceof RequestError ? error.status : 500);
      throw error;
    }
  }

  async #handle(request: Request): Promise<Reply> {
    const own = answerOf(this.#answering, request);
    if (own !== null) return own;
    const serving = this.#served.now;
    if (serving === null) throw this.#unavailable();
    let reply: Reply;
    try {
      reply = await this.#served.handle(serving, request);
    } catch (error) {
      // It was brought before its request was refused, or failed.
      this.#parts.takeRestore(request.id)?.discard();
      const fault = faultOfStore(error);
      if (fault !== null) throw this.#storeFailed(fault, serving);
      throw error;
    }
    // A ceremony may have made other shares. The answer may be the only place where they are, so nothing keeps it back.
    if (/^sys\/(rekey|rotate)/.test(request.path)) await this.#unsealing?.refresh().catch(() => undefined);
    if (request.operation === 'write') {
      if (request.path === 'sys/seal') await this.seal();
      const staged = this.#parts.takeRestore(request.id);
      if (staged !== null) await this.#turns.run(() => this.#restore(staged));
    }
    return reply;
  }

  #unavailable(): RequestError {
    if (this.#barrier === null) return new RequestError(503, 'Vault is sealed');
    return new RequestError(503, this.#problem ?? 'the store is being opened anew; try again', {
      headers: { 'Retry-After': '5' },
    });
  }

  /** What clients are told of a medium that failed; the server finds its way out of it, or ends. */
  #storeFailed(fault: Fault, failed: Serving): RequestError {
    if (fault.code === 'store-fenced') {
      this.#parts.fatal('another process owns the store');
      return new RequestError(503, 'this server does not own the store any more');
    }
    void this.#turns.run(async () => {
      // Others failed of the same, or it was sealed since: what is served now has not failed.
      if (this.#served.now !== failed) return;
      this.#problem = storeProblem(fault);
      this.#parts.log('error', 'the store failed', { reason: describe(fault) });
      await this.#served.end();
      await this.#tryReopen();
    });
    return new RequestError(503, storeProblem(fault), { cause: fault, headers: { 'Retry-After': '5' } });
  }

  /** Goes on with the keys that it has as soon as the store can be used again. */
  async #tryReopen(): Promise<void> {
    this.#retry.cancel();
    const barrier = this.#barrier;
    if (barrier === null || this.#served.now !== null || this.#stopped) return;
    try {
      await this.#parts.reopen();
      this.#served.begin(await this.#parts.serve(barrier));
      this.#problem = null;
      this.#retry.succeeded();
      this.#parts.log('info', 'the store can be used again');
    } catch (error) {
      if (error instanceof Fault) this.#problem = storeProblem(error);
      this.#parts.log('error', 'the store could not be opened anew', { reason: describe(error) });
      this.#later(() => this.#tryReopen());
    }
  }

  /** Puts a snapshot in the place of the store, which is sealed then: its keys may be others. */
  async #restore(staged: StagedRestore): Promise<void> {
    const restored = await noteRestore(staged, (facts) => this.#served.now?.note(facts));
    await this.#sealNow('a snapshot takes its place');
    try {
      await this.#parts.reopen(() => staged.activate());
      this.#unsealing = await this.#parts.seals.open();
    } catch (error) {
      this.#parts.log('error', 'the restored store could not be opened', { reason: describe(error) });
      this.#parts.fatal('the restored store could not be opened');
      return;
    }
    this.#parts.log('warn', 'a snapshot was restored: what was revoked since works again', restored);
    await this.#tryUnattended();
  }

  /** Ends what is served and drops the keys; requests under way may end first. */
  async seal(): Promise<void> {
    await this.#turns.run(() => this.#sealNow('it was sealed'));
  }

  /** As `seal`, for the end of the process. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry.cancel();
    await this.#turns.run(() => this.#sealNow('the server stops'));
  }

  readonly #answering: Answering = {
    status: () => this.status(),
    unseal: (body, from) => this.#attempt(body, from),
    initialize: (body) => this.#turns.run(() => this.#initialize(body)),
  };

  async #attempt(body: UnsealBody, from: Remote | null): Promise<void> {
    try {
      await this.#turns.run(() => this.#unseal(body));
      if (body.reset) this.#attempts.forgotten(from);
    } catch (error) {
      if (this.#barrier === null) this.#attempts.refuse(error, from);
      throw error;
    }
  }

  async #unseal({ key, reset, migrate }: UnsealBody): Promise<void> {
    const unsealing = await this.#findSeal();
    if (unsealing === null) throw badRequest('Vault is not initialized');
    if (reset) {
      if (this.#barrier !== null) throw badRequest('vault is unsealed');
      unsealing.reset();
      return;
    }
    if (key === '') throw badRequest("'key' must be specified in request body as JSON, or 'reset' set to true");
    if (fromHex(key) === null && fromBase64(key) === null) throw badRequest("'key' must be a valid hex or base64 string");
    if (this.#barrier !== null) return;
    const barrier = await this.#attempts.open(unsealing, key, migrate);
    if (barrier === null) return;
    if (!(await this.#serve(barrier))) throw new RequestError(500, this.#problem ?? 'internal error');
  }

  async #initialize(body: InitBody): Promise<Initialized> {
    if ((await this.#findSeal()) !== null) throw badRequest('Vault is already initialized');
    const made = await initialized(this.#parts.seals, body);
    this.#parts.log('info', 'the store was initialized');
    // The answer is the only place where the shares and the root token are, so nothing keeps it back.
    await this.#findSeal().catch((error: unknown) =>
      this.#parts.log('error', 'the seal of the new store could not be read', { reason: describe(error) }),
    );
    // As in the Vault API: who made shares unseals with them, to see that they were written down.
    if (made.shares.length > 0) made.barrier.seal();
    else if (!(await this.#serve(made.barrier))) this.#later(() => this.#tryUnattended());
    return made;
  }

  /** Unseals where nobody is needed for it, and tries again later where something keeps the seal from it for now. */
  async #tryUnattended(): Promise<void> {
    this.#retry.cancel();
    const unsealing = this.#unsealing;
    if (unsealing === null || this.#barrier !== null || this.#stopped) return;
    try {
      const barrier = await unsealing.openUnattended();
      if (barrier === null) return;
      if (await this.#serve(barrier)) return;
    } catch (error) {
      this.#problem = `the seal does not open (${error instanceof Fault ? error.code : 'internal error'}): see the log of the server`;
      this.#parts.log('error', 'the store could not be unsealed', { reason: describe(error) });
      if (!mayRecover(error)) return;
    }
    this.#later(() => this.#tryUnattended());
  }

  #later(work: () => Promise<void>): void {
    if (!this.#stopped) this.#retry.later(() => void this.#turns.run(work));
  }

  /** False: it could not be served, and is sealed again. */
  async #serve(barrier: Barrier): Promise<boolean> {
    try {
      const serving = await this.#parts.serve(barrier);
      try {
        await serving.note({ event: 'unsealed', seal: this.#parts.seals.type, refused: this.#attempts.refused });
      } catch (error) {
        await serving.stop().catch(() => undefined);
        throw error;
      }
      this.#served.begin(serving);
      this.#barrier = barrier;
      this.#watch.begin();
      this.#problem = null;
      this.#retry.succeeded();
      this.#attempts.succeeded();
      this.#parts.log('info', 'the store is unsealed');
      return true;
    } catch (error) {
      barrier.seal();
      // What is wrong may name files, and whoever unseals over the network need not know them.
      this.#problem = `the store opens, and can't be served (${error instanceof Fault ? error.code : 'internal error'}): see the log of the server`;
      this.#parts.log('error', 'the store cannot be served', { reason: describe(error) });
      return false;
    }
  }

  async #sealNow(why: string): Promise<void> {
    if (this.#barrier === null) return;
    await this.#served.end();
    this.#watch.end();
    this.#barrier.seal();
    this.#barrier = null;
    await this.#unsealing?.refresh().catch(() => undefined);
    this.#parts.log('info', `the store is sealed: ${why}`);
  }
}
