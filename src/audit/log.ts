import type { Clock } from '../base/clock.ts';
import type { JsonObject } from '../base/json.ts';
import { systemTimer, type Timer } from '../base/timer.ts';
import type { AuditPort } from '../core/ports.ts';
import { BoundedSink } from './bounded-sink.ts';
import { genesis, type Head } from './chain.ts';
import { ChainedLog } from './chained-log.ts';
import type { EntryQuery, FoundEntry } from './find-entry.ts';
import { openSinks } from './opening.ts';
import type { AuditedHeaders } from './request-headers.ts';
import type { AuditSink } from './sink.ts';
import type { SinkHealth } from './sink-set.ts';

export interface AuditLogOptions {
  readonly storeId: string;
  /** The store's audit key; the caller may wipe its copy afterwards. */
  readonly key: Uint8Array;
  /** Names this run of the process: a UUID. */
  readonly boot: string;
  /** The epoch under which it owns the store. */
  readonly epoch: number;
  readonly clock: Clock;
  /** Measures the time of the sinks; the system's unless told. */
  readonly timer?: Timer;
  /** Every sink that the settings declare. */
  readonly sinks: readonly AuditSink[];
  /** The names of those that are enabled. */
  readonly enabled: readonly string[];
  /** The request headers that entries show; none unless told. */
  readonly headers?: AuditedHeaders;
  /** What the store remembers of the log (`readAnchor`); null: nothing. */
  readonly anchor: Head | null;
  /**
   * Makes a head durable in the store (`writeAnchor`). Called before a sink begins a new file, which joins on to it, and
   * when the last sink that can be read back is set aside. Throws where it could not; then no file is begun.
   */
  readonly saveAnchor?: (head: Head) => Promise<void>;
  /**
   * Accept that the log is lost, cut or altered: the files are put aside, the chain goes on from the anchor, and its
   * first entry says so. Without effect where the log is whole.
   */
  readonly acceptLoss?: boolean;
  /**
   * Only for a server whose store is gone when it ends (`-dev`): as long as no sink is enabled, entries go nowhere.
   * Without it a log without sinks takes no entry.
   */
  readonly unaudited?: boolean;
  /** Told of each change in the state of a sink: for the operators' log. */
  readonly report?: (health: SinkHealth) => void;
}

/** The audit log of an open store: one chain of lines, the same in every enabled sink. */
export interface AuditLog extends AuditPort {
  /** The last line that is durable in a sink at least. */
  head(): Head;
  /** The number of that line: what an apply remembers, to find its own entries after it. */
  position(): number;
  /** How many lines are durable behind the head that the store is known to remember. */
  linesSinceAnchor(): number;
  /** The store remembers this head now (`writeAnchor`). */
  anchored(head: Head): void;
  /** What its opening found and its first entries say: a loss that was accepted, a sink that failed. */
  readonly notes: readonly JsonObject[];
  /** Every sink that is enabled or still written to. */
  health(): readonly SinkHealth[];
  /**
   * Makes the sinks that are written to those that are enabled now, and shows the headers that are configured now. To be
   * called after each commit that may have changed either; costs nothing where nothing differs. A sink that is no longer
   * enabled is written to until another one works. Throws Fault `audit-unavailable` where the log has to say something
   * of that and no sink takes it.
   */
  follow(enabled: readonly string[], headers?: AuditedHeaders): Promise<void>;
  /**
   * Tries the sinks again that failed and whose time has come, copies to them what they lack and lets them in; the log
   * says so. While no sink works, each entry does the same. Throws as `follow`.
   */
  retry(): Promise<void>;
  /** When `retry` has something to do next, in milliseconds since the epoch; null: no sink is set aside. */
  retryAt(): number | null;
  /**
   * For SIGHUP, after log rotation, or where a receiver moved: opens the place of each sink anew, those that failed
   * included. No line is written until the store remembers the head. Throws Fault `audit-unavailable` where a sink could
   * not be opened anew; it goes on in the file it has, where it has one.
   */
  reopen(): Promise<void>;
  /** Looks for an entry, from the last one back, in a sink that can be read back. */
  find(query: EntryQuery): Promise<FoundEntry>;
  /** Writes what waits, closes the sinks and wipes the key. Later entries are refused. */
  close(): Promise<void>;
}

/**
 * Opens the log: finds its end in the enabled sinks, proves it against the anchor, repairs a torn last line, and says
 * in a `system` entry what it had to do. Throws Fault `audit-truncated`, `audit-fork` or `audit-corrupt` where the
 * log is not the one this store wrote, `audit-unavailable` where no enabled sink can be written.
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const timer = options.timer ?? systemTimer;
  const declared = new Map(options.sinks.map((sink) => [sink.name, new BoundedSink(sink, timer)]));
  const enabled = options.enabled.flatMap((name) => declared.get(name) ?? []);
  const anchor = options.anchor ?? genesis(options.storeId);
  const standing = await openSinks(enabled, anchor, options.acceptLoss ?? false);
  const log = new ChainedLog({ ...options, anchor, declared, standing });
  try {
    await log.begin();
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}
