import { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import type { JsonObject } from '../base/json.ts';
import type { Head } from './chain.ts';
import type { AuditSink, SinkTail } from './sink.ts';

/** Where the log stands after its sinks were opened. */
export interface Standing {
  readonly head: Head;
  /** Sinks that are at the head, ready to append. */
  readonly live: readonly AuditSink[];
  readonly failed: readonly SinkProblem[];
  /** What the log must say of itself in `system` entries before anything else. */
  readonly notes: readonly JsonObject[];
}

export interface SinkProblem {
  readonly name: string;
  readonly reason: string;
}

interface OpenedSink {
  readonly sink: AuditSink;
  readonly tail: SinkTail;
}

/**
 * Opens the sinks, finds the one that knows most, proves it against the anchor (what the store remembers of the log;
 * the genesis where it remembers nothing), and brings the others up to it. A sink that cannot be opened is reported
 * as failed. Throws Fault `audit-truncated`, `audit-fork` or `audit-corrupt` where the log is not the one that the
 * store wrote; with `acceptLoss` it then puts the files aside and lets the chain go on from the anchor.
 */
export async function openSinks(sinks: readonly AuditSink[], anchor: Head, acceptLoss: boolean): Promise<Standing> {
  const opening = new Opening(anchor, acceptLoss);
  try {
    return await opening.run(sinks);
  } catch (error) {
    await Promise.allSettled(sinks.map((sink) => sink.close()));
    throw error;
  }
}

class Opening {
  readonly #anchor: Head;
  readonly #acceptLoss: boolean;
  readonly #failed: SinkProblem[] = [];
  readonly #notes: JsonObject[] = [];
  readonly #setAside = new Set<AuditSink>();

  constructor(anchor: Head, acceptLoss: boolean) {
    this.#anchor = anchor;
    this.#acceptLoss = acceptLoss;
  }

  async run(sinks: readonly AuditSink[]): Promise<Standing> {
    const opened: OpenedSink[] = [];
    for (const sink of sinks) {
      const tail = await this.#open(sink);
      if (tail !== null) opened.push({ sink, tail });
    }
    const head = await this.#prove(opened);
    const live: AuditSink[] = [];
    for (const one of opened) {
      const problem = await this.#bringUp(one, head, opened);
      if (problem === null) live.push(one.sink);
      else this.#failed.push({ name: one.sink.name, reason: problem });
    }
    return { head, live, failed: this.#failed, notes: this.#notes };
  }

  async #open(sink: AuditSink): Promise<SinkTail | null> {
    try {
      const tail = await sink.open();
      if (tail.torn > 0) this.#notes.push({ event: 'torn-line-removed', sink: sink.name, bytes: tail.torn });
      return tail;
    } catch (error) {
      if (error instanceof Fault && error.code === 'audit-corrupt') return this.#startAnew(sink, error);
      this.#failed.push({ name: sink.name, reason: ioReason(error) });
      return null;
    }
  }

  /** The head of the sink that knows most and is proved. One that is not is out, where a loss is accepted. */
  async #prove(opened: OpenedSink[]): Promise<Head> {
    for (;;) {
      const best = furthest(opened);
      try {
        if (best !== null) await this.#proveAgainstAnchor(best);
        else if (this.#anchor.seq > 0 && this.#setAside.size === 0) throw this.#missing(opened);
        return best?.tail.head ?? this.#anchor;
      } catch (error) {
        if (!(error instanceof Fault) || error.code === 'audit-unavailable') throw error;
        for (const [at, one] of opened.entries()) {
          if (best === null || one === best) opened[at] = { sink: one.sink, tail: await this.#startAnew(one.sink, error) };
        }
      }
    }
  }

  async #proveAgainstAnchor({ sink, tail }: OpenedSink): Promise<void> {
    const { seq, hash } = this.#anchor;
    const last = tail.head?.seq ?? 0;
    if (last < seq) {
      throw loss(
        'audit-truncated',
        `the audit log ends at line ${last}, but the store wrote lines up to ${seq} at least (sink ${sink.name})`,
      );
    }
    if (sink.history === null) return;
    const located = await sink.history.locate(seq);
    if (located === null) {
      throw loss(
        'audit-truncated',
        `the audit log (sink ${sink.name}) begins after line ${seq + 1}, so it does not join on to what the store remembers`,
      );
    }
    if (located.head.hash !== hash) {
      throw loss(
        'audit-fork',
        seq === 0
          ? `the audit log (sink ${sink.name}) does not begin as this store's log does: it belongs to another store`
          : `the audit log (sink ${sink.name}) has another line ${seq} than the one this store wrote: it is a fork, or the log of an older or newer copy of the store`,
      );
    }
  }

  #missing(opened: readonly OpenedSink[]): Fault {
    const problems = this.#failed.map(({ name, reason }) => `${name}: ${reason}`);
    if (opened.length === 0) return unavailable(this.#failed);
    const others = problems.length === 0 ? '' : ` (not opened: ${problems.join('; ')})`;
    return loss(
      'audit-truncated',
      `the audit log is gone: it is empty, but the store wrote lines up to ${this.#anchor.seq} at least${others}`,
    );
  }

  /** Brings a sink to the head. Returns why it cannot be used now; null: it is there. */
  async #bringUp(one: OpenedSink, head: Head, opened: readonly OpenedSink[]): Promise<string | null> {
    const sources = opened.map(({ sink }) => sink);
    try {
      const note = await bringUp(one.sink, one.tail, head, sources);
      if (note !== null && !this.#setAside.has(one.sink)) this.#notes.push(note);
      return null;
    } catch (error) {
      if (!(error instanceof Fault) || error.code === 'audit-unavailable') return ioReason(error);
      await this.#startAnew(one.sink, error);
      return null;
    }
  }

  /** Where a loss is accepted: puts what the sink holds aside, once, and has the log say so. */
  async #startAnew(sink: AuditSink, loss: Fault): Promise<SinkTail> {
    if (!this.#acceptLoss) throw loss;
    if (!this.#setAside.has(sink)) {
      const aside = await sink.startAnew();
      const { seq, hash } = this.#anchor;
      this.#notes.push({
        event: 'log-loss-accepted',
        sink: sink.name,
        reason: loss.code,
        anchor: { seq, hash },
        set_aside: aside,
      });
      this.#setAside.add(sink);
    }
    return { head: null, torn: 0 };
  }
}

/**
 * Brings one sink to the head: copies the lines it lacks from another sink. Returns a note for the log, or null.
 * Throws Fault `audit-fork` where the sink's last line is not a line of this log, `audit-unavailable` where no other
 * sink has what it lacks, and what reading and appending throw.
 */
export async function bringUp(
  sink: AuditSink,
  tail: SinkTail,
  head: Head,
  sources: readonly AuditSink[],
): Promise<JsonObject | null> {
  const last = tail.head;
  if (last === null) return head.seq === 0 ? null : { event: 'sink-started', sink: sink.name, after: head.seq };
  if (last.seq === head.seq && last.hash === head.hash) return null;
  if (last.seq >= head.seq) throw forked(sink, last.seq);
  for (const source of sources) {
    const located = source === sink || source.history === null ? null : await source.history.locate(last.seq);
    if (located === null || source.history === null) continue;
    if (located.head.hash !== last.hash) throw forked(sink, last.seq);
    for await (const lines of wholeLines(source.history.bytesFrom(located.offset))) await sink.append(lines);
    return { event: 'sink-caught-up', sink: sink.name, after: last.seq };
  }
  throw new Fault(
    'audit-unavailable',
    `the audit sink ${sink.name} ends at line ${last.seq} of ${head.seq}, and no other sink has the lines between`,
    {
      hint: 'Move its file away: it then starts with the next line.',
    },
  );
}

/** Regroups chunks so that each ends in a newline. */
async function* wholeLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0);
  for await (const chunk of chunks) {
    const joined = new Uint8Array(rest.byteLength + chunk.byteLength);
    joined.set(rest);
    joined.set(chunk, rest.byteLength);
    const end = joined.lastIndexOf(0x0a) + 1;
    if (end > 0) yield joined.subarray(0, end);
    rest = joined.slice(end);
  }
}

function furthest(opened: readonly OpenedSink[]): OpenedSink | null {
  let best: OpenedSink | null = null;
  for (const one of opened) if ((one.tail.head?.seq ?? 0) > (best?.tail.head?.seq ?? 0)) best = one;
  return best;
}

/** No sink works. */
export function unavailable(problems: readonly SinkProblem[], cause?: unknown): Fault {
  const reasons = problems.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return new Fault('audit-unavailable', `no audit sink can be used${reasons === '' ? ': none is enabled' : ` (${reasons})`}`, {
    hint: 'Nothing is served that cannot be audited. Make one of the declared sinks usable and try again.',
    cause,
  });
}

function forked(sink: AuditSink, seq: number): Fault {
  return loss('audit-fork', `the audit sink ${sink.name} ends in a line ${seq} that is not in this store's log`);
}

function loss(code: 'audit-truncated' | 'audit-fork', message: string): Fault {
  return new Fault(code, message, {
    hint:
      'Put the original file back (if it was rotated while the store was not running, move it back). If it is lost, accept the ' +
      'loss with -accept-audit-loss: what is there is put aside, and the log goes on with an entry that records the loss.',
  });
}
