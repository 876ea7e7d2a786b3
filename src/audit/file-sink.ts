import { lstat, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import type { Head } from './chain.ts';
import { chainBackwards, corrupt, endOfLastLine, linesBackwards, locate, type Readable } from './log-tail.ts';
import { openLogFile, pathProblem, syncFolder, type LogFile, type OpenLogFile } from './log-file.ts';
import type { SinkType } from './registry.ts';
import { SinkFailure, type AuditSink, type SinkHistory, type SinkTail } from './sink.ts';
import { commonAccepts, timeoutSchema } from './sink-options.ts';
import { readLine } from './stored-line.ts';

const chunkBytes = 256 * 1024;
// What a line of ours starts with: tells a torn first line from a file of another kind.
const lineStart = Buffer.from('{"auth":');

const defaultTimeout = 5000;

export const fileSinkType: SinkType = {
  properties: {
    path: { type: 'string', minLength: 1, description: 'The log file, relative to the settings file.' },
    timeout: timeoutSchema,
  },
  required: ['path'],
  create: ({ name }, options) => fileSink(name, options.path('path') ?? '', openLogFile, options.timeout(defaultTimeout)),
};

/** The file sink. `openFile` is how it reaches the disk, `timeout` how long a call may take (milliseconds). */
export function fileSink(
  name: string,
  path: string,
  openFile: OpenLogFile = openLogFile,
  timeout: number = defaultTimeout,
): AuditSink {
  return new FileSink(name, path, openFile, timeout);
}

/**
 * JSON lines in a file of mode 0600. Each batch is one append and one fdatasync. A batch that could not be written
 * whole is cut off again, so that no torn line ever stands before another; where the system cannot say what reached
 * the disk (a failed sync), the sink takes nothing more until the process starts anew or the file was moved away.
 */
class FileSink implements AuditSink {
  readonly type = 'file';
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  readonly accepts: Readonly<Record<string, string>>;
  readonly timeout: number;
  readonly history: SinkHistory = {
    locate: (seq) => locate(this.#readable(), this.#length, seq),
    bytesFrom: (offset) => this.#bytesFrom(offset),
    backwards: () => this.#backwards(),
  };
  readonly #path: string;
  readonly #openFile: OpenLogFile;
  #file: LogFile | null = null;
  #identity = '';
  /** Bytes that are durable and end in a newline. */
  #length = 0;
  /** Behind them stand bytes of a torn line. */
  #torn = false;
  /** The file of which this process cannot know what reached the disk, and why. */
  #untrusted: { readonly identity: string; readonly reason: string } | null = null;

  constructor(name: string, path: string, openFile: OpenLogFile, timeout: number) {
    this.name = name;
    this.timeout = timeout;
    this.#path = path;
    this.#openFile = openFile;
    this.options = { file_path: path };
    this.accepts = {
      file_path: path,
      path,
      mode: '0600',
      ...commonAccepts,
    };
  }

  check(): Promise<string | null> {
    return pathProblem(this.#path);
  }

  async open(): Promise<SinkTail> {
    await this.close();
    return this.#take(await this.#examine(await this.#openFile(this.#path)));
  }

  async append(lines: Uint8Array): Promise<void> {
    const file = this.#file;
    if (file === null) throw new SinkFailure('unwritten', `${this.#path} is not open`);
    if (this.#untrusted?.identity === this.#identity) throw new SinkFailure('unknown', this.#untrusted.reason);
    try {
      if (this.#torn) await file.truncate(this.#length);
      this.#torn = false;
      for (let written = 0; written < lines.byteLength;) written += await file.write(lines.subarray(written));
    } catch (error) {
      throw await this.#cutBack(file, `writing to ${this.#path} failed: ${ioReason(error)}`, error);
    }
    const length = this.#length + lines.byteLength;
    let stat;
    try {
      [stat] = await Promise.all([file.stat(), file.datasync()]);
    } catch (error) {
      // The system may have dropped the pages it could not write and report success the next time: nothing that this
      // process could still find out would be proof.
      throw this.#breakOff(`syncing ${this.#path} to disk failed: ${ioReason(error)}`, error);
    }
    if (stat.links === 0) throw this.#breakOff(`${this.#path} was deleted while the store was writing to it`);
    if (stat.size !== length) {
      throw this.#breakOff(`${this.#path} was changed by somebody else: it has ${stat.size} bytes where ${length} were written`);
    }
    this.#length = length;
  }

  async reopen(): Promise<SinkTail> {
    const before = this.#file;
    const tail = this.#take(await this.#examine(await this.#openFile(this.#path)));
    await before?.close();
    return tail;
  }

  async startAnew(): Promise<string | null> {
    await this.close();
    const aside = await moveAside(this.#path);
    this.#take(await this.#examine(await this.#openFile(this.#path)));
    return aside;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  abandon(): void {
    // The system gives no way to end a call to a disk; it ends when the disk answers.
  }

  #take({ file, identity, length, tail }: Examined): SinkTail {
    this.#file = file;
    this.#identity = identity;
    this.#length = length;
    this.#torn = tail.torn > 0;
    return tail;
  }

  /** Looks at the end of an opened file. Closes the file where it is refused. */
  async #examine(file: LogFile): Promise<Examined> {
    try {
      const { size, identity } = await file.stat();
      if (identity === this.#untrusted?.identity) {
        throw new Fault('audit-unavailable', this.#untrusted.reason, { hint: 'Start the process anew once the disk is well.' });
      }
      const readable = this.#readable(file);
      const length = await endOfLastLine(readable, size);
      await requireLog(readable, length, size);
      const head = await lastHead(readable, length);
      // Lines that an earlier process wrote may not be on disk yet, and the log goes on from them.
      await file.datasync();
      return { file, identity, length, tail: { head, torn: size - length } };
    } catch (error) {
      await file.close();
      if (error instanceof Fault) throw error;
      throw new Fault('audit-unavailable', `${this.#path} cannot be used: ${ioReason(error)}`, { cause: error });
    }
  }

  /** Takes back a batch of which only a part may have been written. */
  async #cutBack(file: LogFile, message: string, cause: unknown): Promise<SinkFailure> {
    try {
      await file.truncate(this.#length);
    } catch (error) {
      return this.#breakOff(`${message}, and the torn line could not be removed: ${ioReason(error)}`, cause);
    }
    return new SinkFailure('unwritten', message, { cause });
  }

  #breakOff(reason: string, cause?: unknown): SinkFailure {
    this.#untrusted = { identity: this.#identity, reason };
    return new SinkFailure('unknown', reason, { cause });
  }

  async *#bytesFrom(offset: number): AsyncGenerator<Uint8Array> {
    const end = this.#length;
    const readable = this.#readable();
    const chunk = new Uint8Array(Math.max(1, Math.min(chunkBytes, end - offset)));
    for (let at = offset; at < end;) {
      const count = await readable.read(chunk.subarray(0, Math.min(chunk.byteLength, end - at)), at);
      if (count === 0) throw corrupt(readable, 'became shorter while it was read');
      yield chunk.subarray(0, count);
      at += count;
    }
  }

  async *#backwards(): AsyncGenerator<Uint8Array> {
    for await (const { line } of linesBackwards(this.#readable(), this.#length)) yield line;
  }

  #readable(file: LogFile | null = this.#file): Readable {
    if (file === null) throw new Fault('audit-unavailable', `${this.#path} is not open`);
    return {
      label: this.#path,
      read: async (target, position) => {
        try {
          return await file.read(target, position);
        } catch (error) {
          throw new Fault('audit-unavailable', `${this.#path} cannot be read: ${ioReason(error)}`, { cause: error });
        }
      },
    };
  }
}

interface Examined {
  readonly file: LogFile;
  readonly identity: string;
  readonly length: number;
  readonly tail: SinkTail;
}

async function moveAside(path: string): Promise<string | null> {
  const found = await lstat(path).catch(() => null);
  if (found === null || (found.isFile() && found.size === 0)) return null;
  for (let number = 1; ; number++) {
    const aside = `${path}.aside-${number}`;
    if ((await lstat(aside).catch(() => null)) !== null) continue;
    try {
      await rename(path, aside);
      await syncFolder(dirname(path));
    } catch (error) {
      throw new Fault('audit-unavailable', `${path} cannot be put aside: ${ioReason(error)}`, { cause: error });
    }
    return aside;
  }
}

async function lastHead(log: Readable, length: number): Promise<Head | null> {
  let last: Head | null = null;
  // Two lines: the last, and the one before it, which proves that the last follows from it.
  for await (const line of chainBackwards(log, length)) {
    if (last !== null) break;
    last = { seq: line.seq, hash: line.hash };
  }
  return last;
}

/** Refuses a file that is something else than an audit log before a byte of it is changed. */
async function requireLog(log: Readable, end: number, size: number): Promise<void> {
  if (end > 0) {
    for await (const { line, offset } of linesBackwards(log, end)) {
      const read = readLine(line);
      if ('problem' in read) throw corrupt(log, `ends (at byte ${offset}) in a line that ${read.text}`);
      return;
    }
  }
  const start = new Uint8Array(Math.min(size, lineStart.byteLength));
  let filled = 0;
  while (filled < start.byteLength) {
    const count = await log.read(start.subarray(filled), filled);
    if (count === 0) break;
    filled += count;
  }
  if (!lineStart.subarray(0, start.byteLength).equals(start)) throw corrupt(log, 'is another kind of file');
}
