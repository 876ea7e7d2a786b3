import { canonicalJson, type Json } from '../base/json.ts';
import type { Mount } from '../core/mount-type.ts';
import type { AuditAuth, AuditEntry } from '../core/ports.ts';
import type { Reply, ReplyAuth, WrapInfo } from '../protocol/reply.ts';
import type { Request } from '../protocol/request.ts';
import { CallerTexts } from './caller-texts.ts';
import { shownText, type Sent } from './error-text.ts';
import { cutText, redactedText } from './redact.ts';
import { type AuditedHeaders, carriesCredential } from './request-headers.ts';
import type { ValueHash } from './value-hash.ts';

/** What the chain adds to an entry when it gets its place. */
export interface LinePlace {
  readonly seq: number;
  /** The chain hash before this line, hex. */
  readonly prev: string;
  /** When the entry was taken in: milliseconds since the epoch. */
  readonly time: number;
  /** Names the run of the process that wrote the line. */
  readonly boot: string;
  /** The fencing number under which it ran. */
  readonly epoch: number;
}

/** An entry without its secrets, ready for a place in the chain: members as JCS text. */
export interface RedactedEntry {
  readonly type: AuditEntry['type'];
  readonly auth: string;
  readonly request: string;
  readonly response: string;
  readonly error: string;
}

interface RequestText {
  readonly text: string;
  /** False: another entry about the same request knows more of it (the verb, the mount). */
  fits(entry: AuditEntry): boolean;
}

/** No line that `formatLine` makes is longer. Readers refuse a longer one instead of filling their memory. */
export const maxLineBytes = 4 * 1024 * 1024;

const dataLimit = { characters: 256 * 1024 };
const plainLimit = 64 * 1024;
const textLimit = 4096;

/**
 * Takes the secrets out of entries. Members are those of Vault's audit entries: data as keyed hashes (see
 * `redactedText`), tokens and token accessors as keyed hashes wherever they stand, errors and warnings without what they
 * quote of the request (see `shownText`), all else as it is. What is too large is shown cut. `facts` of an entry stand in
 * `request.facts`. Replies that are bytes are not shown.
 */
export class Redactor {
  /** The request headers that are shown. */
  headers: AuditedHeaders;
  readonly #hashes: ValueHash;
  // The two entries of a request carry the same request and the same caller: their text is made once. Weak, so that
  // nothing outlives its request.
  readonly #requests = new WeakMap<Request, RequestText>();
  readonly #callers = new CallerTexts();

  constructor(hashes: ValueHash, headers: AuditedHeaders = {}) {
    this.#hashes = hashes;
    this.headers = headers;
  }

  redact(entry: AuditEntry): RedactedEntry {
    return {
      type: entry.type,
      auth: entry.auth === null ? 'null' : this.#auth(entry.auth),
      request: this.#requestOf(entry),
      response: entry.reply === null ? 'null' : this.#response(entry.reply, entry),
      error: entry.error === null ? 'null' : text(shownText(entry.error, sentIn(entry), this.#hashes)),
    };
  }

  #requestOf(entry: AuditEntry): string {
    const { request } = entry;
    if (request === null) return entry.facts === undefined ? 'null' : `{"facts":${this.#plain(entry.facts)}}`;
    const made = this.#requests.get(request);
    if (made !== undefined && made.fits(entry)) return made.text;
    const { verb, mount, facts, shown } = entry;
    const accessor = entry.auth?.accessor;
    const fits = (other: AuditEntry) =>
      other.verb === verb &&
      other.mount === mount &&
      other.facts === facts &&
      other.shown === shown &&
      other.auth?.accessor === accessor;
    const requestText = this.#request(request, entry);
    this.#requests.set(request, { fits, text: requestText });
    return requestText;
  }

  #request(request: Request, entry: AuditEntry): string {
    const { verb, mount, auth, facts } = entry;
    const data = redactedText(request.data, this.#hashes, exemptIn(entry), dataLimit);
    const place = mountMembers(mount);
    // Members in the order of JCS.
    return (
      `{"client_token":${this.#token(request.token)},"client_token_accessor":${this.#accessor(auth?.accessor ?? '')},"data":${data},` +
      (facts === undefined ? '' : `"facts":${this.#plain(facts)},`) +
      this.#headersOf(request) +
      `"id":${text(request.id)},${place},"operation":${text(verb ?? (request.operation === 'write' ? 'update' : request.operation))},` +
      `"path":${text(request.path)},"remote_address":${request.remote === null ? 'null' : text(request.remote.address)},` +
      `"remote_port":${request.remote?.port ?? 'null'},"wrap_ttl":${request.wrapTtl ?? 'null'}}`
    );
  }

  /** The member `headers`, each with a list of values, where one that is configured was sent. */
  #headersOf({ headers }: Request): string {
    if (headers === undefined) return '';
    const shown: Record<string, Json> = {};
    for (const [name, { hmac }] of Object.entries(this.headers)) {
      const sent: string | readonly string[] | undefined = Object.hasOwn(headers, name) ? headers[name] : undefined;
      if (sent === undefined) continue;
      const hide = hmac || carriesCredential(name);
      shown[name] = [sent].flat().map((value) => (hide ? this.#hashes.of(value) : value));
    }
    return Object.keys(shown).length === 0 ? '' : `"headers":${this.#plain(shown)},`;
  }

  #auth(auth: AuditAuth): string {
    return this.#callers.of(auth, () => this.#authText(auth));
  }

  #authText(auth: AuditAuth): string {
    const ofIdentity = auth.policies.filter((name) => !auth.tokenPolicies.includes(name));
    return (
      `{"accessor":${this.#accessor(auth.accessor)},"display_name":${text(auth.displayName)},"entity_id":${text(auth.entityId)},` +
      `"identity_policies":${this.#plain(ofIdentity)},"metadata":${this.#plain(auth.metadata)},"policies":${this.#plain(auth.policies)},` +
      `"policy_results":{"allowed":${auth.granting.length > 0},"granting_policies":${this.#plain(auth.granting)}},` +
      `"token_policies":${this.#plain(auth.tokenPolicies)},"token_type":${text(auth.tokenType)}}`
    );
  }

  #response(reply: Reply, entry: AuditEntry): string {
    const { mount } = entry;
    const exempt = mount?.config.auditNonHmacResponseKeys ?? [];
    const shown = reply.data ?? reply.json ?? null;
    const data = shown === null ? 'null' : redactedText(shown, this.#hashes, exempt, dataLimit);
    const lease = reply.leaseId === undefined || reply.leaseId === '' ? 'null' : `{"lease_id":${text(reply.leaseId)}}`;
    const warnings =
      reply.warnings?.map((warning, _, all) => shownText(warning, sentIn(entry), this.#hashes, all.length)) ?? null;
    return (
      `{"auth":${reply.auth ? this.#replyAuth(reply.auth) : 'null'},"data":${data},${mountMembers(mount)},` +
      `"secret":${lease},"status":${reply.status ?? 200},"warnings":${this.#plain(warnings)}` +
      (reply.wrapInfo === undefined ? '}' : `,"wrap_info":${this.#wrapInfo(reply.wrapInfo)}}`)
    );
  }

  #wrapInfo(info: WrapInfo): string {
    return (
      `{"accessor":${this.#accessor(info.accessor)},"creation_path":${text(info.creationPath)},` +
      `"creation_time":"${nanosecondTime(info.creationTime)}","token":${this.#token(info.token)},"ttl":${info.ttl},` +
      `"wrapped_accessor":${this.#accessor(info.wrappedAccessor)}}`
    );
  }

  #replyAuth(auth: ReplyAuth): string {
    return (
      `{"accessor":${this.#accessor(auth.accessor)},"client_token":${this.#token(auth.client_token)},"entity_id":${text(auth.entity_id)},` +
      `"identity_policies":${this.#plain(auth.identity_policies)},"metadata":${this.#plain(auth.metadata)},` +
      `"num_uses":${auth.num_uses},"orphan":${auth.orphan},"policies":${this.#plain(auth.policies)},"renewable":${auth.renewable},` +
      `"token_policies":${this.#plain(auth.token_policies)},"token_ttl":${auth.lease_duration},"token_type":${text(auth.token_type)}}`
    );
  }

  #token(token: string | null): string {
    return token === null || token === '' ? 'null' : `"${this.#hashes.of(token)}"`;
  }

  #accessor(accessor: string): string {
    return accessor === '' ? 'null' : `"${this.#hashes.ofHandle(accessor)}"`;
  }

  /** What holds no secret, as it is; cut where it is too large. */
  #plain(value: Json): string {
    const plainText = canonicalText(value);
    return plainText.length <= plainLimit || value === null ? plainText : cutText(value, this.#hashes);
  }
}

/** The line (without newline): JCS of the ten members, always all of them. */
export function formatLine(entry: RedactedEntry, place: LinePlace): string {
  return (
    `{"auth":${entry.auth},"boot":${text(place.boot)},"epoch":${place.epoch},"error":${entry.error},"prev":"${place.prev}",` +
    `"request":${entry.request},"response":${entry.response},"seq":${place.seq},"time":"${nanosecondTime(place.time)}","type":"${entry.type}"}`
  );
}

let lastTime = { milliseconds: 0, text: '1970-01-01T00:00:00.000000000Z' };

/** RFC 3339 in UTC with nine digits of a second, of which the clock fills three. */
function nanosecondTime(milliseconds: number): string {
  // The lines of a batch were taken in together.
  if (milliseconds !== lastTime.milliseconds) {
    lastTime = { milliseconds, text: `${new Date(milliseconds).toISOString().slice(0, -1)}000000Z` };
  }
  return lastTime.text;
}

/** Names of members of the request's data whose values are shown. */
function exemptIn({ mount, shown }: AuditEntry): readonly string[] {
  const byMount = mount?.config.auditNonHmacRequestKeys ?? [];
  return shown === undefined ? byMount : [...byMount, ...shown];
}

function sentIn(entry: AuditEntry): readonly Sent[] {
  const { request, quotable } = entry;
  const exempt = exemptIn(entry);
  const sent: Sent[] = request === null ? [] : [{ data: request.data, token: request.token, exempt }];
  if (quotable !== undefined) sent.push({ data: quotable, token: null, exempt });
  return sent;
}

const mountTexts = new WeakMap<Mount, string>();

function mountMembers(mount: Mount | null): string {
  if (mount === null) return '"mount_accessor":null,"mount_class":null,"mount_point":null,"mount_type":null';
  const made = mountTexts.get(mount);
  if (made !== undefined) return made;
  const point = mount.class === 'auth' ? `auth/${mount.path}/` : `${mount.path}/`;
  const members =
    `"mount_accessor":${text(mount.accessor)},"mount_class":"${mount.class}",` +
    `"mount_point":${text(point)},"mount_type":${text(mount.type)}`;
  mountTexts.set(mount, members);
  return members;
}

const obviousText = /^[ !#-[\]-~]*$/;

/** A string as JSON, cut visibly where it is longer than any honest one. */
function text(value: string): string {
  if (value.length < 100 && obviousText.test(value)) return `"${value}"`;
  const kept = value.length <= textLimit ? value : `${value.slice(0, textLimit)}… (cut: ${value.length} characters)`;
  return JSON.stringify(kept.isWellFormed() ? kept : kept.toWellFormed());
}

/** JCS; where a lone surrogate forbids it, a JSON string that holds the value's JSON text. */
function canonicalText(value: Json): string {
  try {
    return canonicalJson(value);
  } catch {
    return canonicalJson(JSON.stringify(value));
  }
}
