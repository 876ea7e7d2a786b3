/** What one client may cost. Times in milliseconds. */
export interface HttpLimits {
  /** Connections at once; one more is closed as soon as it is accepted. */
  readonly maxConnections: number;
  /** Of a request that presents a token. */
  readonly maxBodyBytes: number;
  /** Of a request without a token: a login, an unseal. */
  readonly maxAnonymousBodyBytes: number;
  /** Of all bodies that are being read at once, beyond the first 16 KiB of each. */
  readonly maxBufferedBytes: number;
  /** Values and member names of one body, so many as its parsing costs a few milliseconds. */
  readonly maxJsonTokens: number;
  /** The same, for sys/apply and sys/managed, whose bodies hold a whole configuration. */
  readonly maxBulkJsonTokens: number;
  /** How deep objects and lists may lie in each other. */
  readonly maxJsonDepth: number;
  /** Of the request line and all headers. */
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  /** Of a query or a form. */
  readonly maxParameters: number;
  /** Requests of one connection that wait for the answer of an earlier one. */
  readonly maxPipelined: number;
  /** What all of these may take up, of all connections. */
  readonly maxWaitingBytes: number;
  /** From the first byte of a request (or the start of the connection) to the end of its headers. */
  readonly headersTimeout: number;
  /** From the end of the headers to the end of the body. */
  readonly bodyTimeout: number;
  /** From the end of the body to the answer. */
  readonly requestTimeout: number;
  /** Between two requests, and while the client reads nothing of an answer. */
  readonly idleTimeout: number;
  readonly handshakeTimeout: number;
}

const kibi = 1024;
const mebi = 1024 * kibi;
const second = 1000;

export const defaultLimits: HttpLimits = {
  maxConnections: 8192,
  maxBodyBytes: 32 * mebi,
  maxAnonymousBodyBytes: mebi,
  maxBufferedBytes: 128 * mebi,
  maxJsonTokens: 10_000,
  maxBulkJsonTokens: 4_000_000,
  maxJsonDepth: 64,
  maxHeaderBytes: 32 * kibi,
  maxHeaders: 100,
  maxParameters: 100,
  maxPipelined: 64,
  maxWaitingBytes: 32 * mebi,
  headersTimeout: 10 * second,
  bodyTimeout: 30 * second,
  requestTimeout: 90 * second,
  idleTimeout: 300 * second,
  handshakeTimeout: 10 * second,
};
