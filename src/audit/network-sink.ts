import { Fault } from '../base/error.ts';
import type { Timer } from '../base/timer.ts';
import { connectionReason, type Connection, type Transport } from './connection.ts';
import { SinkFailure, type AuditSink, type SinkTail } from './sink.ts';

export interface NetworkSinkParts {
  readonly name: string;
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
  readonly accepts: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number;
  readonly timer: Timer;
  readonly transport: Transport;
  /** What is sent for the lines of a batch: messages, or pieces of a stream. */
  packets(lines: Uint8Array): readonly Uint8Array[];
}

/**
 * Lines for a receiver elsewhere. A batch counts as stored when the system has taken it for sending: no receiver of
 * syslog or of a bare stream says that it has a line, so what is under way when a connection breaks may be lost. A
 * connection that broke is not made anew in silence: the batch that meets it fails, and the log says so.
 */
export class NetworkSink implements AuditSink {
  readonly name: string;
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
  readonly accepts: Readonly<Record<string, string>>;
  readonly timeout: number;
  readonly history = null;
  readonly #parts: NetworkSinkParts;
  #connection: Connection | null = null;
  #connecting: AbortController | null = null;

  constructor(parts: NetworkSinkParts) {
    this.name = parts.name;
    this.type = parts.type;
    this.options = parts.options;
    this.accepts = parts.accepts;
    this.timeout = parts.timeout;
    this.#parts = parts;
  }

  /** Connects and sends nothing. */
  async check(): Promise<string | null> {
    const patience = new AbortController();
    const cancel = this.#parts.timer.after(this.timeout, () => patience.abort());
    try {
      (await this.#parts.transport.connect(patience.signal)).abort();
      return null;
    } catch (error) {
      return `${this.#parts.transport.label}: ${patience.signal.aborted ? `no answer within ${this.timeout / 1000} s` : connectionReason(error)}`;
    } finally {
      cancel();
    }
  }

  async open(): Promise<SinkTail> {
    await this.close();
    return this.reopen();
  }

  async append(lines: Uint8Array): Promise<void> {
    const connection = this.#connection;
    const { label } = this.#parts.transport;
    if (connection === null) throw new SinkFailure('unwritten', `${label}: there is no connection`);
    if (connection.broken !== null) throw new SinkFailure('unwritten', `${label}: ${connection.broken}`);
    try {
      await connection.send(this.#parts.packets(lines));
    } catch (error) {
      connection.abort();
      const outcome = error instanceof SinkFailure ? error.outcome : 'unknown';
      throw new SinkFailure(outcome, `${label}: ${connectionReason(error)}`, { cause: error });
    }
  }

  async reopen(): Promise<SinkTail> {
    const { transport } = this.#parts;
    const connecting = new AbortController();
    this.#connecting = connecting;
    let connection: Connection;
    try {
      connection = await transport.connect(connecting.signal);
    } catch (error) {
      throw new Fault('audit-unavailable', `${transport.label}: ${connectionReason(error)}`, { cause: error });
    } finally {
      this.#connecting = null;
    }
    const before = this.#connection;
    this.#connection = connection;
    await before?.close();
    return { head: null, torn: 0 };
  }

  async startAnew(): Promise<null> {
    await this.open();
    return null;
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    await connection?.close();
  }

  abandon(): void {
    this.#connecting?.abort();
    this.#connection?.abort();
  }
}
