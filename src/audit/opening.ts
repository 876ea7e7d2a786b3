import { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import type { JsonObject } from '../base/json.ts';
import { catchUp, forked, loss } from './catch-up.ts';
import type { Head } from './chain.ts';
import type { AuditSink, SinkTail } from './sink.ts';

/** Where the log stands after its sinks were opened. */
export interface Standing<Sink extends AuditSink = AuditSink> {
  readonly head: Head;
  /** Sinks that are at the head, ready to append. */
  readonly live: readonly Sink[];
  readonly failed: readonly SinkProblem[];
  /** What the log must say of itself in `system` entries before anything else. */
  readonly notes: readonly JsonObject[];
}

export interface SinkProblem {
  readonly name: string;
  readonly reason: string;
}

interface OpenedSink<Sink> {
  readonly sink: Sink;
  readonly tail: SinkTail;
}

/**
 * Opens the sinks, finds the one that knows most, proves it against the anchor (what the store remembers of the log;
 * the genesis where it remembers nothing), and brings the others up to it. A sink that cannot be opened is reported
 * as failed. Throws Fault `audit-truncated`, `audit-fork` or `audit-corrupt` where the log is not the one that the
 * store wrote; with `acceptLoss` it then puts the files aside and lets the chain go on from the anchor.
 *
 * Sinks that cannot be read back prove nothing and know no end. Where no other is enabled the chain goes on from the
 * anchor, and the log says so: lines which a crash kept from being anchored may then be in the receivers' records beside
 * the new ones of their numbers, told apart by their `boot`. Where a sink that could be read is enabled but cannot be
 * opened, the end of the log is not known, and the log stays closed (`audit-unavailable`).
 */
export async function openSinks<Sink extends AuditSink>(
  sinks: readonly Sink[],
  anchor: Head,
  acceptLoss: boolean,
): Promise<Standing<Sink>> {
  const opening = new Opening<Sink>(anchor, acceptLoss);
  try {
    return await opening.run(sinks);
  } catch (error) {
    await Promise.allSettled(sinks.map((sink) => sink.close()));
    throw error;
  }
}

class Opening<Sink extends AuditSink> {
  readonly #anchor: Head;
  readonly #acceptLoss: boolean;
  readonly #failed: SinkProblem[] = [];
  readonly #notes: JsonObject[] = [];
  readonly #setAside = new Set<Sink>();

  constructor(anchor: Head, acceptLoss: boolean) {
    this.#anchor = anchor;
    this.#acceptLoss = acceptLoss;
  }

  async run(sinks: readonly Sink[]): Promise<Standing<Sink>> {
    // All at once: a sink that hangs costs its time only once. Their notes keep the order of the sinks.
    const tails = await Promise.allSettled(sinks.map((sink) => sink.open()));
    const opened: OpenedSink<Sink>[] = [];
    for (const [index, sink] of sinks.entries()) {
      const tail = await this.#opened(sink, tails[index] as PromiseSettledResult<SinkTail>);
      if (tail !== null) opened.push({ sink, tail });
    }
    const readable = opened.filter(({ sink }) => sink.history !== null);
    const head = sinks.some((sink) => sink.history !== null) ? await this.#prove(readable) : this.#resume();
    const live: Sink[] = [];
    for (const { sink, tail } of opened) {
      const proved = readable.find((one) => one.sink === sink);
      const problem = proved === undefined ? null : await this.#bringUp(sink, proved.tail ?? tail, head, readable);
      if (problem === null) live.push(sink);
      else this.#failed.push({ name: sink.name, reason: problem });
    }
    return { head, live, failed: this.#failed, notes: this.#notes };
  }

  async #opened(sink: Sink, result: PromiseSettledResult<SinkTail>): Promise<SinkTail | null> {
    if (result.status === 'fulfilled') {
      const tail = result.value;
      if (tail.torn > 0) this.#note({ event: 'torn-line-removed', sink: sink.name, bytes: tail.torn });
      return tail;
    }
    const error: unknown = result.reason;
    if (error instanceof Fault && error.code === 'audit-corrupt') return this.#startAnew(sink, error);
    this.#failed.push({ name: sink.name, reason: ioReason(error) });
    return null;
  }

  /** No enabled sink can be read back. */
  #resume(): Head {
    if (this.#anchor.seq > 0) this.#note({ event: 'log-resumed', after: this.#anchor.seq });
    return this.#anchor;
  }

  /** The head of the sink that knows most and is proved. One that is not is out, where a loss is accepted. */
  async #prove(opened: OpenedSink<Sink>[]): Promise<Head> {
    if (opened.length === 0) return this.#unread();
    for (;;) {
      const best = await this.#furthest(opened);
      try {
        if (best !== null) await this.#proveAgainstAnchor(best);
        else if (this.#anchor.seq > 0 && this.#setAside.size === 0) throw this.#missing();
        return best?.tail.head ?? this.#anchor;
      } catch (error) {
        if (!(error instanceof Fault) || error.code === 'audit-unavailable') throw error;
        for (const [at, one] of opened.entries()) {
          if (best === null || one === best) opened[at] = { sink: one.sink, tail: await this.#startAnew(one.sink, error) };
        }
      }
    }
  }

  /** The one with the last line; among equals one that reaches back to the anchor (another may have begun later). */
  async #furthest(opened: readonly OpenedSink<Sink>[]): Promise<OpenedSink<Sink> | null> {
    const most = Math.max(0, ...opened.map(({ tail }) => tail.head?.seq ?? 0));
    const [best = null, ...equals] = most === 0 ? [] : opened.filter(({ tail }) => tail.head?.seq === most);
    if (best === null || equals.length === 0) return best;
    for (const one of [best, ...equals]) {
      // One that is corrupt is proved first, so that it is dealt with.
      const reaches = await one.sink.history?.locate(this.#anchor.seq).catch(() => true);
      if (reaches !== null) return one;
    }
    return best;
  }

  async #proveAgainstAnchor({ sink, tail }: OpenedSink<Sink>): Promise<void> {
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

  #missing(): Fault {
    const problems = this.#failed.map(({ name, reason }) => `${name}: ${reason}`);
    const others = problems.length === 0 ? '' : ` (not opened: ${problems.join('; ')})`;
    return loss(
      'audit-truncated',
      `the audit log is gone: it is empty, but the store wrote lines up to ${this.#anchor.seq} at least${others}`,
    );
  }

  /** None of the sinks that can be read could be opened. */
  #unread(): Head {
    const fault = unavailable(this.#failed);
    if (!this.#acceptLoss) {
      throw new Fault('audit-unavailable', `the end of the audit log is not known: ${fault.message}`, {
        hint: 'Make one of these sinks usable and try again. What other sinks were sent cannot be read back.',
      });
    }
    const { seq, hash } = this.#anchor;
    this.#note({ event: 'log-loss-accepted', sink: null, reason: fault.code, anchor: { seq, hash }, set_aside: null });
    return this.#anchor;
  }

  /** Brings a sink to the head. Returns why it cannot be used now; null: it is there. */
  async #bringUp(sink: Sink, tail: SinkTail, head: Head, opened: readonly OpenedSink<Sink>[]): Promise<string | null> {
    const last = tail.head;
    if (last === null) {
      if (head.seq > 0 && !this.#setAside.has(sink)) this.#note({ event: 'sink-started', sink: sink.name, after: head.seq });
      return null;
    }
    if (last.seq === head.seq && last.hash === head.hash) return null;
    try {
      if (last.seq >= head.seq) throw forked(sink.name, last.seq);
      const others = opened.flatMap((one) => (one.sink === sink || one.sink.history === null ? [] : [one.sink.history]));
      if ((await catchUp(sink, last, others)) === null) return lacking(last, head);
      this.#note({ event: 'sink-caught-up', sink: sink.name, after: last.seq });
      return null;
    } catch (error) {
      if (!(error instanceof Fault) || error.code === 'audit-unavailable') return ioReason(error);
      await this.#startAnew(sink, error);
      return null;
    }
  }

  #note(note: JsonObject): void {
    this.#notes.push(note);
  }

  /** Where a loss is accepted: puts what the sink holds aside, once, and has the log say so. */
  async #startAnew(sink: Sink, loss: Fault): Promise<SinkTail> {
    if (!this.#acceptLoss) throw loss;
    if (!this.#setAside.has(sink)) {
      const aside = await sink.startAnew();
      const { seq, hash } = this.#anchor;
      this.#note({
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

/** Why a sink that stands at `last` cannot be used: nobody has the lines between. */
function lacking(last: Head, head: Head): string {
  return `it ends at line ${last.seq} of ${head.seq}, and no other sink has the lines between; move its file away: it then starts with the next line`;
}

/** No sink works. */
export function unavailable(problems: readonly SinkProblem[], cause?: unknown): Fault {
  const reasons = problems.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return new Fault('audit-unavailable', `no audit sink can be used${reasons === '' ? ': none is enabled' : ` (${reasons})`}`, {
    hint: 'Nothing is served that cannot be audited. Make one of the declared sinks usable and try again.',
    cause,
  });
}
