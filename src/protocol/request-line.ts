import type { Reply } from './reply.ts';
import type { Operation, Remote, Request } from './request.ts';

/** What is known of a request before its body: enough to refuse it cheaply. */
export interface RequestLine {
  readonly operation: Operation;
  /** Canonical, as in Request. */
  readonly path: string;
  readonly remote: Remote | null;
  /** As presented: who lets only callers that it knows send a body of many megabytes can look at it here. */
  readonly token: string | null;
}

/** What a listener serves. Each request goes through `admit`, then `handle`. */
export interface Service {
  /**
   * Called before a byte of the body is read (rate limits). Returns headers for the answer. Throws RequestError, whose
   * answer is sent without reading the body.
   */
  admit(line: RequestLine): Promise<Readonly<Record<string, string>>>;
  /** Throws RequestError to refuse; anything else is a defect and answered with 500 without details. */
  handle(request: Request): Promise<Reply>;
}
