import type { JsonObject } from '../../../base/json.ts';
import type { Fields } from '../../../protocol/field.ts';
import { RequestError } from '../../../protocol/request-error.ts';

/**
 * A kind of database: one folder and one line in the registry, passing the conformance suite. A plug-in keeps no state;
 * what it holds open is in its sessions.
 */
export interface DatabasePlugin {
  /** As in `plugin_name`. */
  readonly name: string;
  /** Other names under which clients know it. */
  readonly aliases: readonly string[];
  /** What a connection of this kind has besides the fields of every connection. */
  readonly fields: Fields;
  /** Those of the fields that are secret: nobody reads them back. */
  readonly secretFields: readonly string[];
  readonly usernameTemplate: string;
  /** The longest user name that the database takes, in characters of the form that templates give. */
  readonly longestUsername: number;
  /** Checks the fields of a connection. Throws RequestError 400. */
  check(connection: ConnectionFields): void;
  /** The same of its URL alone, with any password. The message quotes nothing of it that may be secret. */
  checkUrl(url: string, username: string): void;
  /** What can be known to be wrong with statements before a database is asked; of none at all nothing. */
  checkStatements(use: StatementUse, statements: readonly string[]): readonly StatementProblem[];
  /**
   * Where the users of a role are made, for databases in which their names alone do not say it: kept with each lease, so
   * that the user is looked for there. Throws RequestError 400 for statements that can't be right.
   */
  placeOf?(role: { readonly creation: readonly string[]; readonly revocation: readonly string[] }): string;
  /**
   * Which server and which database of it a connection leads to: the same text for two of them only where they lead to the
   * same. Throws RequestError 400.
   */
  destination(connection: ConnectionFields): string;
  /** Where its server is, as messages name it: `host:port`, or a socket. Throws RequestError 400. */
  address(connection: ConnectionFields): string;
  /** Opens nothing yet: connections are made as they are needed. */
  open(connection: ConnectionFields): DatabaseSession;
}

/** What statements are for; those of `rootRotation` set the password of the connection's own user. */
export type StatementUse = 'creation' | 'revocation' | 'rollback' | 'renewal' | 'rotation' | 'rootRotation';

/** The message names the field as the API does, and quotes nothing but placeholders. */
export interface StatementProblem {
  /** Of which statement, from 0; null: of all of them together. */
  readonly index: number | null;
  /** What of it is meant. */
  readonly within?: string;
  readonly message: string;
  readonly hint?: string;
  /** They work all the same. */
  readonly severity?: 'warning';
}

/** How a database is reached. */
export interface ConnectionFields {
  readonly url: string;
  /** '': the URL has it. */
  readonly username: string;
  readonly password: string;
  /** The plug-in's own fields, as they were sent. */
  readonly details: JsonObject;
  /** How many connections are open at most, and how many of them stay so while nobody uses them. */
  readonly maxOpen: number;
  readonly maxIdle: number;
  /** Seconds that a connection is used at most; 0: without limit. */
  readonly maxLifetime: number;
}

/** A user that is to be made. Its password is nowhere but in here and in the reply. */
export interface NewUser {
  readonly name: string;
  readonly password: string;
  /** Milliseconds since the epoch. */
  readonly expiration: number;
  readonly creation: readonly string[];
  /** What undoes statements of `creation` of which a later one failed. */
  readonly rollback: readonly string[];
}

export interface RevokedUser {
  readonly name: string;
  /** What `placeOf` gave for it; absent: nothing. */
  readonly place?: string;
  /** Empty: what the plug-in does by itself. */
  readonly revocation: readonly string[];
  readonly options: RevocationOptions;
  /**
   * Its making was never confirmed: it may be under way still, or half done. Where `revocation` fails or leaves the user,
   * the plug-in goes on by itself.
   */
  readonly pending: boolean;
}

/** What becomes of what a user leaves behind. */
export interface RevocationOptions {
  /** `keep`: a user who owns something is not removed, and the error says what it owns. */
  readonly ownedObjects: 'keep' | 'drop' | 'reassign';
  /** To whom they are given; '': the user of the connection. */
  readonly reassignTo: string;
  readonly terminateSessions: boolean;
}

/** A user of a role as it is planned: made, renewed, revoked, and nothing of it kept. */
export interface TriedUser extends NewUser {
  readonly renewal: readonly string[];
  readonly revocation: readonly string[];
  readonly options: RevocationOptions;
}

/** The database does not let the connection's own user in, so nothing was done: perhaps its password was changed. */
export class LoginRefused extends RequestError {}

/**
 * A database under one connection. Every call throws RequestError, TargetUnavailable where the database does not answer,
 * LoginRefused where it does not know us; the message quotes no secret. A call ends within its signal.
 */
export interface DatabaseSession {
  /** Can it be reached, and does it let us in? */
  verify(signal: AbortSignal): Promise<void>;
  /** All of it or nothing where the database can do that; else the rollback statements are run. */
  create(user: NewUser, signal: AbortSignal): Promise<void>;
  renew(
    user: { readonly name: string; readonly expiration: number; readonly renewal: readonly string[] },
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * A user that is not there is success: false. True: it was there, or nobody could see; statements of its role may have left
   * it without a login.
   */
  revoke(user: RevokedUser, signal: AbortSignal): Promise<boolean>;
  /**
   * Sets the password of a user that exists, perhaps that of the connection itself, and perhaps once more. Empty
   * statements: what the plug-in does by itself, in a way that leaves no password in the logs of the server where there is one.
   */
  setPassword(
    user: { readonly name: string; readonly password: string; readonly rotation: readonly string[] },
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Does the database let this user in with this password? Whatever user the URL names. Throws where it does not answer.
   */
  letsIn(name: string, password: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Runs what a role has for its users without keeping anything of it, where the database can. What works but leaves
   * something to be said is in the texts that it gives. Throws RequestError, each of whose texts names the field of the
   * role as `statement-failure.ts` has it, where one is known.
   */
  tryRole(user: TriedUser, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Is this user there, and could `setPassword` set its password? Sets none. What the database does not let us find out is
   * taken to be right. Throws RequestError, of texts as those of `tryRole`.
   */
  tryPassword(
    user: { readonly name: string; readonly password: string; readonly rotation: readonly string[] },
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}
