import fc from 'fast-check';
import { mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { genesis, type Head } from '../../src/audit/chain.ts';
import { fileSink } from '../../src/audit/file-sink.ts';
import { openAuditLog, type AuditLog } from '../../src/audit/log.ts';
import type { LogFile } from '../../src/audit/log-file.ts';
import { SinkFailure, type AuditSink, type SinkTail } from '../../src/audit/sink.ts';
import { verifyLogFile } from '../../src/audit/verify.ts';
import { logBasics, numbered, storeId } from './entries.ts';
import { errno, faultyFiles } from './faulty-file.ts';
import { gate, ManualTimer, turn } from './manual-timer.ts';
import { runs } from './property.ts';

/** What goes wrong at a place from now on. */
type Trouble = 'none' | 'full' | 'torn' | 'hangs' | 'gone';

interface Place {
  /** A sink of a new process. */
  sink(): AuditSink;
  trouble: Trouble;
  /** Lets go what hangs. */
  release(): void;
  /** Calls that are under way. */
  busy(): number;
}

class FilePlace implements Place {
  trouble: Trouble = 'none';
  readonly folder = mkdtempSync(join(tmpdir(), 'secretctl-storm-'));
  readonly path = join(this.folder, 'audit.log');
  readonly #name: string;
  readonly #files = faultyFiles();
  #hang = gate();
  #busy = 0;
  #rotations = 0;

  constructor(name: string) {
    this.#name = name;
    const { faults } = this.#files;
    faults.beforeWrite = async () => {
      if (this.trouble === 'hangs') await this.#hang.opened;
    };
    faults.write = (bytes) => {
      if (this.trouble === 'full' || this.trouble === 'gone') throw errno('ENOSPC');
      if (this.trouble !== 'torn') return bytes.byteLength;
      this.trouble = 'full';
      return Math.ceil(bytes.byteLength / 2);
    };
  }

  sink(): AuditSink {
    return fileSink(this.#name, this.path, async (path) => {
      if (this.trouble === 'gone') throw errno('EIO');
      const file = await this.#counted(this.#files.open(path));
      return {
        write: (bytes) => this.#counted(file.write(bytes)),
        datasync: () => this.#counted(file.datasync()),
        truncate: (length) => this.#counted(file.truncate(length)),
        stat: () => this.#counted(file.stat()),
        read: (target, position) => this.#counted(file.read(target, position)),
        close: () => this.#counted(file.close()),
      } satisfies LogFile;
    });
  }

  release(): void {
    this.#hang.open();
    this.#hang = gate();
  }

  busy(): number {
    return this.#busy;
  }

  rotate(): void {
    if (readdirSync(this.folder).includes('audit.log')) renameSync(this.path, `${this.path}.${++this.#rotations}`);
  }

  /** Every line that was ever in its files. */
  lines(): string[] {
    return readdirSync(this.folder).flatMap((name) => readFileSync(join(this.folder, name), 'utf8').split('\n').slice(0, -1));
  }

  #counted<T>(work: Promise<T>): Promise<T> {
    this.#busy++;
    return work.finally(() => this.#busy--);
  }
}

/** A receiver that may be gone, break off in the middle, or not answer. */
class RemotePlace implements Place {
  trouble: Trouble = 'none';
  readonly received: string[] = [];
  readonly #giveUp = new Set<() => void>();

  sink(): AuditSink {
    let isOpen = false;
    const open = async (): Promise<SinkTail> => {
      if (this.trouble === 'hangs') await this.#hang();
      if (this.trouble !== 'none') throw errno('ECONNREFUSED');
      isOpen = true;
      return { head: null, torn: 0 };
    };
    return {
      name: 'remote',
      type: 'remote',
      options: {},
      accepts: {},
      timeout: 2000,
      history: null,
      check: () => Promise.resolve(null),
      open,
      reopen: open,
      startAnew: async () => (await open(), null),
      close: () => Promise.resolve(void (isOpen = false)),
      abandon: () => this.release(),
      append: async (lines) => {
        if (!isOpen || this.trouble === 'gone') throw new SinkFailure('unwritten', 'gone');
        const text = Buffer.from(lines).toString();
        const taken = this.trouble === 'torn' ? text.slice(0, text.indexOf('\n') + 1) : text;
        if (this.trouble !== 'full') this.received.push(...taken.split('\n').slice(0, -1));
        if (this.trouble === 'none') return;
        isOpen = false;
        if (this.trouble === 'hangs') await this.#hang();
        throw new SinkFailure('unknown', 'broken off');
      },
    };
  }

  release(): void {
    for (const giveUp of this.#giveUp) giveUp();
    this.#giveUp.clear();
  }

  busy(): number {
    return this.#giveUp.size;
  }

  #hang(): Promise<void> {
    return new Promise((_, reject) => this.#giveUp.add(() => reject(new SinkFailure('unknown', 'given up'))));
  }
}

const placeNames = ['a', 'b', 'remote'] as const;
type Step =
  | { readonly do: 'append'; readonly count: number }
  | { readonly do: 'trouble'; readonly place: (typeof placeNames)[number]; readonly trouble: Trouble }
  | { readonly do: 'release' | 'retry' | 'reopen' | 'rotate' | 'anchor' | 'crash' | 'end' }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'follow'; readonly enabled: readonly string[] };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('trouble' as const),
      place: fc.constantFrom(...placeNames),
      trouble: fc.constantFrom<Trouble>('none', 'none', 'full', 'torn', 'hangs', 'gone'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'retry' as const, 'anchor' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('reopen' as const, 'rotate' as const, 'crash' as const, 'end' as const) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 90 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('follow' as const), enabled: fc.subarray(['a', 'b', 'remote'], { minLength: 1 }) }),
  },
);

class Storm {
  readonly a = new FilePlace('a');
  readonly b = new FilePlace('b');
  readonly remote = new RemotePlace();
  readonly timer = new ManualTimer();
  readonly acknowledged = new Set<number>();
  #anchor: Head = genesis(storeId);
  #enabled: readonly string[] = placeNames;
  #log: AuditLog | null = null;
  #next = 1;
  #boot = 0;
  /** Nothing hangs any more: whatever takes long is only slow. */
  #patient = false;
  #refusal: unknown = null;

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'append':
        return this.append(step.count);
      case 'trouble':
        this[step.place].trouble = step.trouble;
        return;
      case 'release':
        for (const name of placeNames) this[name].release();
        return;
      case 'wait':
        this.timer.time += step.seconds * 1000;
        return;
      case 'retry':
        return this.#finish((await this.#opened())?.retry());
      case 'reopen':
        return this.#finish((await this.#opened())?.reopen());
      case 'rotate':
        this.a.rotate();
        return this.#finish((await this.#opened())?.reopen());
      case 'follow': {
        // What the store says of it does not wait for the log.
        this.#enabled = step.enabled;
        return this.#finish((await this.#opened())?.follow(step.enabled));
      }
      case 'anchor': {
        const head = (await this.#opened())?.head();
        if (head !== undefined && head.seq > this.#anchor.seq) this.#anchor = head;
        return;
      }
      case 'crash':
        return this.#stop(false);
      case 'end':
        return this.#stop(true);
    }
  }

  async append(count: number): Promise<void> {
    const log = await this.#opened();
    if (log === null) return;
    const calls = Array.from({ length: count }, async () => {
      const number = this.#next++;
      await log.append([numbered(number)]);
      this.acknowledged.add(number);
    });
    await this.#finish(Promise.allSettled(calls));
  }

  /** Everything works again; the log comes back, in the same process and in a new one. */
  async heal(): Promise<Head> {
    for (const name of placeNames) this[name].trouble = 'none';
    this.#patient = true;
    this.#enabled = placeNames;
    for (let round = 0; round < 2; round++) {
      await this.#idle();
      const log = await this.#opened();
      if (log === null) throw new Error('the log does not open', { cause: this.#refusal });
      await this.#finish(log.follow(placeNames));
      for (let tries = 0; log.retryAt() !== null; tries++) {
        if (tries > 1000) throw new Error(`sinks do not come back: ${JSON.stringify(log.health())}`);
        // A file that had the last lines and could not be opened at a start: the log went on without it, and a person
        // has to move it away.
        for (const { name, problem } of log.health()) {
          if (problem?.includes("not in this store's log")) this[name as 'a' | 'b'].rotate();
        }
        this.timer.time += 60_000;
        await this.#finish(log.retry());
        await this.#idle();
      }
      await this.append(1);
      expect(log.health().map(({ problem }) => problem)).toEqual([null, null, null]);
      if (round === 1) return log.head();
      await this.#stop(true);
    }
    throw new Error('not reached');
  }

  close(): Promise<void> {
    return this.#stop(true);
  }

  /** The open log; null: it does not open as things are. */
  async #opened(): Promise<AuditLog | null> {
    if (this.#log !== null) return this.#log;
    const open = (acceptLoss: boolean): Promise<AuditLog> =>
      openAuditLog({
        ...logBasics,
        boot: `boot-${++this.#boot}`,
        clock: this.timer.clock,
        timer: this.timer,
        sinks: [this.a.sink(), this.b.sink(), this.remote.sink()],
        enabled: this.#enabled,
        anchor: this.#anchor.seq === 0 ? null : this.#anchor,
        saveAnchor: (head) => Promise.resolve(void (this.#anchor = head)),
        acceptLoss,
      });
    for (const acceptLoss of [false, true]) {
      const [outcome] = (await this.#finish(Promise.allSettled([open(acceptLoss)]))) as [PromiseSettledResult<AuditLog>];
      if (outcome.status === 'fulfilled') return (this.#log = outcome.value);
      this.#refusal = outcome.reason;
      await this.#idle();
      // The lines that only a receiver has are lost to the files: a person has to accept that.
      if (!['audit-truncated', 'audit-fork'].includes((outcome.reason as { code: string }).code)) return null;
    }
    return null;
  }

  async #stop(orderly: boolean): Promise<void> {
    const log = this.#log;
    if (log === null) return;
    if (orderly && log.head().seq > this.#anchor.seq) this.#anchor = log.head();
    // A process that is gone writes no more: whatever hangs fails first.
    const troubles = placeNames.map((name) => this[name].trouble);
    for (const name of placeNames) if (this[name].trouble === 'hangs') this[name].trouble = 'full';
    await this.#idle();
    await this.#finish(log.close());
    await this.#idle();
    for (const [at, name] of placeNames.entries()) this[name].trouble = troubles[at] as Trouble;
    this.#log = null;
  }

  /** Waits until nothing is under way any more, and lets go what hangs. */
  async #idle(): Promise<void> {
    do {
      for (const name of placeNames) this[name].release();
      await turn();
    } while (placeNames.some((name) => this[name].busy() > 0));
  }

  /** Waits for work that may hang until the time of a sink is over. */
  async #finish<T>(work: Promise<T> | undefined): Promise<T | undefined> {
    let settled = false;
    const done = Promise.resolve(work).then(
      (value) => ((settled = true), value),
      () => ((settled = true), undefined),
    );
    for (let turns = 1; !settled; turns++) {
      await turn();
      if (turns % 200 === 0 && !settled && !this.#patient) this.timer.ring();
    }
    return done;
  }
}

const numberIn = (line: string) => (JSON.parse(line) as { request: { facts: { number?: number } } | null }).request?.facts.number;
const seqIn = (line: string) => (JSON.parse(line) as { seq: number }).seq;

const full = process.env['SECRETCTL_FULL'] === '1';

describe(
  'sinks that fail, hang, come back and are rotated, and processes that end in between',
  { timeout: full ? 1_200_000 : 60_000 },
  () => {
    it('lose no entry that was acknowledged, and leave files that verify', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 40 }), async (steps) => {
          const storm = new Storm();
          for (const step of steps) await storm.take(step);
          const head = await storm.heal();
          await storm.close();
          for (const { path } of [storm.a, storm.b]) {
            expect(await verifyLogFile(path, { storeId, anchor: head })).toMatchObject({ outcome: 'ok', head });
          }
          const [a, b] = [storm.a.lines(), storm.b.lines()];
          const stored = new Set([...a, ...b, ...storm.remote.received].map(numberIn));
          for (const number of storm.acknowledged) expect(stored).toContain(number);
          // The files agree on every line that both have.
          const bySeq = new Map(
            readFileSync(storm.a.path, 'utf8')
              .split('\n')
              .slice(0, -1)
              .map((line) => [seqIn(line), line]),
          );
          for (const line of readFileSync(storm.b.path, 'utf8').split('\n').slice(0, -1)) {
            expect(bySeq.get(seqIn(line)) ?? line).toBe(line);
          }
        }),
        runs(25, 1500),
      );
    });
  },
);
