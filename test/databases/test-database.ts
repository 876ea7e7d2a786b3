/** A database server of a test's own, or one that it was given: what the conformance suite does with it. */
export interface TestDatabase {
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  /** Who makes users in it. */
  readonly username: string;
  readonly password: string;
  /** A `connection_url` of it; `port`: on the way to it that listens there. */
  url(port?: number): string;
  /** The users that it did not come with, sorted. */
  users(): Promise<readonly string[]>;
  /** Logs in with a client of its own. Rejects where the server does not let it in. */
  login(username: string, password: string): Promise<Login>;
  /** Removes a user behind our back. */
  removeUser(name: string): Promise<void>;
  /** Ends it: `crash`, without an end for what is under way. */
  kill(how?: 'orderly' | 'crash'): Promise<void>;
  /** Starts it again after `kill`, with the data that it had. */
  run(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** A session of a client. */
export interface Login {
  /** Who the server says it is. */
  readonly user: string;
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** What a server that speaks TLS only, and only with clients that have a certificate of `ca`, is started with. PEM. */
export interface ServerTls {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}
