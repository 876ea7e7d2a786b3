import type { Clock } from '../base/clock.ts';
import type { Fault } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { Random } from '../base/random.ts';
import type { Kind } from '../kinds/kind.ts';
import type { ApplyLock } from '../protocol/managed.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Operation } from '../protocol/request.ts';

/** What a command sees of the world. `main.ts` hands in the real one. */
export interface CliContext {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly terminal: Terminal;
  /** True: print JSON or YAML, for programs (`-json`, `-format`). */
  readonly json: boolean;
  /** A value in the form that was asked for (JSON unless YAML was), with a line break at its end. */
  encode(value: unknown): string;
  /** Every kind of document. Loaded when asked for. */
  kinds(): Promise<readonly Kind[]>;
  /** Opens and creates embedded stores. Loaded when asked for: it brings the whole server side. */
  stores(): Promise<Stores>;
  /** Runs a server until it is told to stop; returns the exit code. Loaded when asked for. */
  serve(options: ServeOptions): Promise<number>;
  /** Resolves after so many milliseconds; rejects when the signal is aborted. */
  sleep(milliseconds: number, signal: AbortSignal | null): Promise<unknown>;
  /** Aborted by Ctrl-C. What is being committed ends whole or not at all. */
  readonly interrupted: AbortSignal;
}

/** What `secretctl server` is told on the command line. */
export interface ServeOptions {
  /** The `.secretctl` directory; unused with `dev`. */
  readonly directory: string;
  readonly configDirectory: string;
  /** The command line without secrets, for whoever finds the store owned. */
  readonly command: string;
  /** A store in memory instead. `rootToken` null: a random one. */
  readonly dev: { readonly rootToken: string | null; readonly address: string } | null;
  readonly acceptAuditLoss: boolean;
  /** Unless the settings say it. */
  readonly logFormat: 'text' | 'json';
  readonly interrupted: AbortSignal;
  out(text: string): void;
  err(text: string): void;
}

/** The terminal or the pipes in its place. */
export interface Terminal {
  /** Writes to standard output as it is. */
  out(text: string): void;
  /** Writes to standard error as it is. */
  err(text: string): void;
  /** True: what goes to standard output may be coloured. */
  readonly colour: boolean;
  /** True: what goes to standard error may be coloured. */
  readonly errorColour: boolean;
  /** True: standard output is a screen, so a raw value needs a line break after it. */
  readonly outputIsScreen: boolean;
  /** True: a person can be asked. */
  readonly interactive: boolean;
  /**
   * One line from the person; `hidden`: not shown while typed. Throws Fault `not-interactive` where nobody can be asked,
   * `cancelled` on Ctrl-C or at the end of input.
   */
  ask(question: string, options?: { readonly hidden?: boolean }): Promise<string>;
  /** All of standard input, at most `limit` bytes. */
  input(limit: number): Promise<Uint8Array>;
}

/** The door to embedded stores, implemented by compose.ts. */
export interface Stores {
  create(options: CreateStore): Promise<CreatedStore>;
  open(options: OpenStore): Promise<OpenedStore>;
  /** Looks at a store without its audit log: works where that is damaged, and changes nothing. */
  examine(options: OpenStore): Promise<ExaminedStore>;
  /** Where a store and the socket of its server are, without opening anything. Throws Fault `settings` or `store-missing`. */
  locate(directory: string): Promise<LocatedStore>;
}

export interface LocatedStore {
  /** Null: it was never made. */
  readonly storeId: string | null;
  /** Where a server that owns the store listens for commands of this machine. */
  readonly socketPath: string;
}

export interface ExaminedStore {
  readonly storeId: string;
  readonly seal: SealStatus;
  /** Null: the store is sealed and nobody gave enough shares. */
  readonly unsealed: {
    /** The last line of the audit log that the store remembers; null: none. */
    readonly anchor: { readonly seq: number; readonly hash: string } | null;
    readonly term: number;
    /** Milliseconds since the epoch. */
    readonly termInstalledAt: number;
    readonly generation: number;
    readonly revision: number;
    /** Null: nobody holds the apply lock. */
    readonly lock: ApplyLock | null;
  } | null;
  /** The files of the enabled audit sinks; empty where the store is sealed. */
  readonly auditFiles: readonly string[];
}

export interface CreateStore {
  /** The `.secretctl` directory; made with mode 0700. */
  readonly directory: string;
  /** Where the static key and the root token go: a directory outside of every repo. */
  readonly configDirectory: string;
  readonly seal: { readonly type: 'static' } | { readonly type: 'shamir'; readonly shares: number; readonly threshold: number };
  /**
   * Shows what is told once, before the store counts as made: where the making ends before or in it, there is no store,
   * and it can be made anew.
   */
  show?(created: CreatedStore): Promise<void>;
}

export interface CreatedStore {
  readonly storeId: string;
  /** The age public key for which values are sealed. */
  readonly recipient: string;
  /** Empty unless the seal is Shamir's. Shown once, stored nowhere. */
  readonly shares: readonly string[];
  readonly keyFile: string | null;
  readonly tokenFile: string;
}

export interface OpenStore {
  readonly directory: string;
  readonly configDirectory: string;
  /** The command line without secrets, for whoever waits for the lock. */
  readonly command: string;
  /** Milliseconds. */
  readonly lockTimeout: number;
  /** Accept that the audit log is lost or cut off: it goes on with an entry that says so. */
  readonly acceptAuditLoss: boolean;
  /**
   * Gives shares one by one until there are enough; null: there are no more. Not asked unless the seal needs them.
   * `refused`: why the last one does not count, where another may be given in its place; what it throws ends the opening.
   */
  nextShare(progress: {
    readonly given: number;
    readonly threshold: number;
    readonly refused: Fault | null;
  }): Promise<string | null>;
  /** Progress and warnings for a person. */
  notify(message: string): void;
}

/** An open embedded store. Everything but maintenance goes through `handle`: the corridor. */
export interface OpenedStore {
  readonly storeId: string;
  handle(request: {
    readonly operation: Operation;
    readonly path: string;
    readonly data: JsonObject;
    readonly token: string | null;
    /** Seconds for which the reply shall be wrapped; absent or null: it is not. */
    readonly wrapTtl?: number | null;
    /** See Request.help. */
    readonly help?: true;
  }): Promise<Reply>;
  /**
   * Puts a new root key under new shares (or the static key file under a new key); `show` gets the shares before the
   * old ones lose their worth.
   */
  rekey(
    numbers: { readonly shares: number | undefined; readonly threshold: number | undefined },
    show: (shares: readonly string[]) => Promise<void>,
  ): Promise<void>;
  readonly seal: SealStatus;
  /** Does what is due in the background, for so many milliseconds at most: beside a store of its own nobody else does. */
  work(milliseconds: number): Promise<void>;
  /** Ends after what is under way: due expiries for two seconds at most, then locks and keys are given back. */
  close(): Promise<void>;
}

export interface SealStatus {
  readonly type: string;
  readonly shares: number;
  readonly threshold: number;
}
