import type { Reply } from './reply.ts';
import type { Operation, Remote, Request } from './request.ts';

/** What is known of a request before its body: enough to refuse it cheaply. */
export interface RequestLine {
  readonly operation: Operation;
  /** Canonical, as in Request. */
  readonly path: string;
  readonly remote: Remote | null;
  /** As presented. */
  readonly token: string | null;
}

/** On which terms pages of another site may call the server (the CORS protocol of the Fetch standard). */
export interface CrossOrigin {
  /** Names of the request headers that they may send. */
  readonly headers: readonly string[];
  /** May browsers send cookies and certificates along? */
  readonly credentials: boolean;
}

/** What a listener serves. Each request goes through `admit`, `crossOrigin` where it names an origin, then `handle`. */
export interface Service {
  /**
   * Called before a byte of the body is read (rate limits). Returns headers for the answer. Throws RequestError, whose
   * answer is sent without reading the body.
   */
  admit(line: RequestLine): Promise<Readonly<Record<string, string>>>;
  /** The terms for pages of this origin; null: no page of another site may call. Throws RequestError 403: others may, these not. */
  crossOrigin(origin: string): Promise<CrossOrigin | null>;
  /**
   * Does the token stand, and may it write at the path, whatever it writes? Asked where a body costs more to read and to
   * parse than anybody may cost.
   */
  mayWrite(line: RequestLine): Promise<boolean>;
  /** Throws RequestError to refuse; anything else is a defect and answered with 500 without details. */
  handle(request: Request): Promise<Reply>;
}
