import type { Head } from './chain.ts';

/**
 * Where audit lines go. A sink is declared in the settings and enabled by name; each enabled sink gets the same lines
 * in the same order. One file for each type, one line in registry.ts; test/audit/conformance.ts must pass. The log uses
 * a sink through `BoundedSink`, which keeps each call within the sink's time.
 */
export interface AuditSink {
  /** As declared in the settings: an identifier. */
  readonly name: string;
  /** As in the registry: `file`, `syslog`, `socket`. */
  readonly type: string;
  /** What `GET sys/audit` shows as `options`. */
  readonly options: Readonly<Record<string, string>>;
  /** Options of Vault's device of this type that a caller may send because this sink behaves so anyway. */
  readonly accepts: Readonly<Record<string, string>>;
  /** How long a call may take, in milliseconds: a sink that does not answer is set aside, and nobody waits for it. */
  readonly timeout: number;

  /** Null: as far as can be told without effect, `open` would succeed. Otherwise a sentence that says what is wrong. */
  check(): Promise<string | null>;

  /**
   * Opens the sink for appending and says where it stands. Changes nothing yet. Throws Fault `audit-unavailable`
   * where it cannot be opened, `audit-corrupt` where what is there is not the tail of an audit log.
   */
  open(): Promise<SinkTail>;

  /**
   * Appends a batch: whole lines, each ending in a newline. The first one also removes a torn last line. Resolves when
   * all of it is durable; for a sink that cannot be read back, when the system has taken it for sending. `lines` is only
   * lent until then. Throws SinkFailure. Never called twice at once, nor together with another of the methods that
   * change the sink.
   */
  append(lines: Uint8Array): Promise<void>;

  /**
   * Opens the sink's place anew, because what was there was moved (log rotation, a receiver at another address, new
   * certificates). Where that fails it throws as `open` does, and the sink goes on as before.
   */
  reopen(): Promise<SinkTail>;

  /**
   * Puts what is there aside without deleting it and starts empty. Works on a closed sink, leaves it open. Returns
   * where the old content is now; null: there was none.
   */
  startAnew(): Promise<string | null>;

  /** Null for a sink that cannot be read back (a network sink): `open` then finds no head, whatever was sent before. */
  readonly history: SinkHistory | null;

  /** Idempotent. */
  close(): Promise<void>;

  /**
   * Nobody waits any longer for the call that is under way: it shall end as soon as it can, with a failure. What cannot
   * be ended (a write to a disk that hangs) ends when it does.
   */
  abandon(): void;
}

/** What `open` found. */
export interface SinkTail {
  /** The head at the last line; null: no line. */
  readonly head: Head | null;
  /** Bytes behind the last newline: a line that was never acknowledged, removed with the first append. */
  readonly torn: number;
}

/** Reading back. Sees the durable lines only; may run while lines are appended. */
export interface SinkHistory {
  /**
   * The head at `seq` and where the lines after it begin, found by walking back from the end and checking the chain
   * on the way. Null: the sink's first line is later than `seq` + 1, or its last is earlier than `seq`. Throws Fault
   * `audit-corrupt` where a line on the way was altered.
   */
  locate(seq: number): Promise<{ readonly head: Head; readonly offset: number } | null>;
  /** The bytes from `offset` (as `locate` gave it) to the end, in chunks that are only lent until the next one. */
  bytesFrom(offset: number): AsyncIterable<Uint8Array>;
  /** The lines from the last to the first, without newlines; each is only lent until the next one. */
  backwards(): AsyncIterable<Uint8Array>;
}

/** Why a batch was not stored. */
export class SinkFailure extends Error {
  /**
   * `unwritten`: nothing of the batch is in the sink, which may be used again. `unknown`: some of it may be, so the
   * sink takes nothing more until it is opened anew.
   */
  readonly outcome: 'unwritten' | 'unknown';

  constructor(outcome: 'unwritten' | 'unknown', message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SinkFailure';
    this.outcome = outcome;
  }
}
