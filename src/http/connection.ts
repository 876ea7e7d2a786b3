import type { Socket } from 'node:net';
import { inCidrs } from '../base/cidr.ts';
import type { Remote } from '../protocol/request.ts';
import type { Door } from './door.ts';
import type { Exchange } from './exchange.ts';
import { plainAddress } from './remote.ts';

/** How long what a client still sends is thrown away, so that it gets to read why. Milliseconds. */
const lingering = 5000;

type Listener = (...args: unknown[]) => void;
const parserEvents = ['timeout', 'data', 'error', 'end', 'close', 'drain', 'resume', 'pause'] as const;

/** A client's connection: its requests are answered one after the other, in the order in which they came. */
export class Connection {
  readonly door: Door;
  readonly socket: Socket;
  /** Null: a unix socket. */
  readonly peer: Remote | null;
  readonly behindProxy: boolean;
  /** The next request was sent with the verb LIST, which the parser got to read as LINK. */
  nextIsList = false;
  /** The parser got to read "LIN" for the "LIS" of a verb whose end is still to come. */
  verbIsCut = false;
  /** No request that comes now is looked at. */
  deaf = false;
  /** The last answer is being written. */
  closing = false;
  readonly #attach: (socket: Socket) => void;
  #parserListeners: [event: string, listener: Listener][] = [];
  #current: Exchange | null = null;
  /** `bytes`: what it takes of what all may that wait. */
  readonly #queue: { readonly exchange: Exchange; readonly bytes: number }[] = [];
  /** What requests take up that are not looked at: the parser keeps them as long as the connection is there. */
  #ignoredBytes = 0;
  #used = false;
  #whenIdle: (() => void) | null = null;
  #cutAt = Infinity;

  /** `attach` hands a socket to Node's HTTP parser. */
  constructor(door: Door, socket: Socket, attach: (socket: Socket) => void) {
    this.door = door;
    this.socket = socket;
    this.#attach = attach;
    const { remoteAddress, remotePort } = socket;
    this.peer = remoteAddress === undefined ? null : { address: plainAddress(remoteAddress), port: remotePort ?? 0 };
    this.behindProxy = this.peer !== null && inCidrs(this.peer.address, door.trustedProxies);
    // Node tells of errors as failures of the parser, as long as there is one.
    socket.on('error', ignore);
    socket.once('close', () => this.#forget());
    this.attachParser();
  }

  get current(): Exchange | null {
    return this.#current;
  }

  /** The exchange whose body may still be coming. */
  get latest(): Exchange | null {
    return this.#queue.at(-1)?.exchange ?? this.#current;
  }

  add(exchange: Exchange): void {
    if (this.#current === null) {
      this.#begin(exchange);
      return;
    }
    const { limits, waiting } = this.door;
    let bytes = exchange.weight;
    if (this.#queue.length < limits.maxPipelined && waiting.fits(bytes)) {
      waiting.take(bytes);
    } else {
      bytes = 0;
      exchange.refuse(429, 'too many requests wait for an answer: send the next one when you have it');
      this.#hearNoMore();
    }
    this.#queue.push({ exchange, bytes });
  }

  /** A request that is not looked at, of about so many bytes: what the parser had got already when it was stopped. */
  ignore(bytes: number): void {
    const { waiting } = this.door;
    if (waiting.fits(bytes)) {
      waiting.take(bytes);
      this.#ignoredBytes += bytes;
    } else {
      this.socket.destroy();
    }
  }

  /** Nobody is there to be answered. */
  #forget(): void {
    const queued = this.#queue.splice(0).reduce((sum, { bytes }) => sum + bytes, 0);
    this.door.waiting.give(queued + this.#ignoredBytes);
    this.#ignoredBytes = 0;
  }

  /** Is the answer of the current exchange the last? */
  isLast(): boolean {
    return this.#queue.length === 0 && (this.deaf || this.door.draining);
  }

  #begin(exchange: Exchange): void {
    this.#used = true;
    this.#current = exchange;
    exchange.begin();
  }

  /** Called once the answer of the current exchange is written, or never will be. */
  finished(exchange: Exchange): void {
    if (this.#current !== exchange) return;
    this.#current = null;
    if (this.socket.destroyed || this.closing) return;
    const next = this.#queue.shift();
    if (next !== undefined) {
      this.door.waiting.give(next.bytes);
      this.#begin(next.exchange);
      return;
    }
    const action = this.#whenIdle;
    this.#whenIdle = null;
    action?.();
  }

  /** Runs `action` once every request that came so far is answered. */
  whenIdle(action: () => void): void {
    if (this.#current === null) action();
    else this.#whenIdle = action;
  }

  /** Called now and then. `now` in milliseconds since the epoch. */
  sweep(now: number): void {
    if (now >= this.#cutAt) this.socket.destroy();
    else if (this.#current !== null && now >= this.#current.deadline) this.#current.expire();
  }

  attachParser(): void {
    const { socket } = this;
    const before = parserEvents.map((event) => socket.listenerCount(event));
    this.#attach(socket);
    this.#parserListeners = parserEvents.flatMap((event, index) =>
      socket
        .listeners(event)
        .slice(before[index])
        .map((listener): [string, Listener] => [event, listener as Listener]),
    );
  }

  /** What still comes is thrown away, before the parser makes requests of it that it keeps. */
  #hearNoMore(): void {
    this.deaf = true;
    const { socket } = this;
    // It may have been paused for a body that nobody read. Node's way to go on is gone once the parser has lost the socket.
    if (socket.isPaused()) socket.resume();
    // It goes on in the next tick, and so before anything more is read.
    process.nextTick(() => {
      this.stopParsing();
      // This takes the socket from the parser, which otherwise reads past all listeners.
      socket.on('data', ignore);
    });
  }

  /** The parser sees no more bytes. */
  stopParsing(): void {
    this.#drop((event) => event === 'data');
  }

  /** Gives the parser back; to be called while no request is being answered. */
  detachParser(): void {
    const closers = this.#parserListeners.filter(([event]) => event === 'close');
    this.#drop(() => true);
    // For the parser the connection is over: it frees what it held.
    for (const [, listener] of closers) listener.call(this.socket);
  }

  #drop(chosen: (event: string) => boolean): void {
    for (const [event, listener] of this.#parserListeners) if (chosen(event)) this.socket.off(event, listener);
    this.#parserListeners = this.#parserListeners.filter(([event]) => !chosen(event));
  }

  /** Closes it where no request ever came over it: Node waits for the first one. */
  closeIfUnused(): void {
    if (!this.#used) this.socket.destroy();
  }

  /** Sends these last bytes; what the client still sends is thrown away for a while. */
  end(bytes: string): void {
    const { socket } = this;
    this.deaf = true;
    this.closing = true;
    this.detachParser();
    socket.on('data', ignore);
    socket.on('end', () => socket.destroy());
    socket.resume();
    if (socket.writable) socket.end(bytes);
    else socket.destroy();
    this.#cutSoon();
  }

  /**
   * The answer that is about to be written is the last, and the client may still be sending: an immediate close would
   * reset the connection before it has read the answer.
   */
  linger(): void {
    const { socket } = this;
    this.#hearNoMore();
    socket.destroySoon = () => {
      socket.end();
      this.#cutSoon();
    };
  }

  #cutSoon(): void {
    this.#cutAt = this.door.clock.now() + lingering;
  }
}

function ignore(): void {
  // Nobody needs it.
}
