import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import { isCanonicalPath } from '../base/name.ts';
import type { Random } from '../base/random.ts';
import type { Barrier } from '../barrier/barrier.ts';
import type { View } from '../barrier/view.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, permissionDenied, RequestError } from '../protocol/request-error.ts';
import type { Operation, Request } from '../protocol/request.ts';
import type { Transaction } from '../storage/transaction.ts';
import { helpMatch } from './help.ts';
import type { MountTable, MountTables } from './mount-table.ts';
import type { Acl, AclQuestion, Caller } from './caller.ts';
import type { Mount, MountType, OperationSpec, Route, RouteContext, Services } from './mount-type.ts';
import type { AuditAuth, AuditEntry, IdentityPort, LeasePort, PolicyPort, TokenPort } from './ports.ts';
import { moveRevision, readRevision, type Revision } from './revision.ts';
import { matchRoute } from './route.ts';

/** What the corridor is built of. */
export interface CorridorParts {
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
  readonly tokens: TokenPort;
  readonly leases: LeasePort;
  readonly identity: IdentityPort;
  readonly policies: PolicyPort;
  readonly tables: MountTables;
  readonly services: Services;
  /** By type. The class keeps an engine and an auth method of one name apart. */
  readonly types: ReadonlyMap<string, MountType>;
}

/** One transaction as the corridor uses it: the same for a single request and for all changes of an apply. */
export interface Run {
  readonly tx: Transaction;
  readonly core: View;
  readonly mounts: MountTable;
  readonly revision: Revision;
  /** When the request was taken in. Milliseconds since the epoch. */
  readonly now: number;
}

/** The context of the core's own routes: they see the transaction. */
export interface CoreContext extends RouteContext {
  readonly run: Run;
}

/** The transaction that a request runs in, for the routes of the core and of its nouns: no other has one. */
export function runOf(context: RouteContext): Run {
  return (context as CoreContext).run;
}

/** A request that passed authentication and authorisation and knows its handler. */
export interface Admission {
  readonly request: Request;
  readonly verb: AclQuestion['verb'];
  readonly caller: Caller | null;
  readonly mount: Mount;
  readonly route: Route;
  readonly spec: OperationSpec;
  readonly context: CoreContext;
  readonly audit: AuditAuth | null;
}

/** What the audit log knows of a request besides the request itself. */
export type EntryParts = Pick<AuditEntry, 'verb' | 'mount' | 'auth' | 'shown'>;

export function entryOf({ verb, mount, audit: auth, spec }: Pick<Admission, 'verb' | 'mount' | 'audit' | 'spec'>): EntryParts {
  return { verb, mount, auth, ...(spec.shown === undefined ? {} : { shown: spec.shown }) };
}

/** A request that was refused at the door, with what the audit log shall know of it. */
export class Refusal extends Error {
  readonly reply: RequestError;
  readonly entry: EntryParts;

  constructor(reply: RequestError, entry: EntryParts) {
    super(reply.message);
    this.reply = reply;
    this.entry = entry;
  }
}

export const typeKey = (mountClass: Mount['class'], type: string): string => `${mountClass}/${type}`;

export async function openRun(parts: CorridorParts, tx: Transaction, now: number): Promise<Run> {
  const core = parts.barrier.view(tx, 'core');
  const revision = await readRevision(core);
  return { tx, core, mounts: await parts.tables.load(tx, core, revision.mounts), revision, now };
}

/** Refuses what is not canonical: nobody downstream folds, decodes or trims a path. */
function checkPath(path: string): void {
  if (!isCanonicalPath(path)) {
    throw badRequest(
      'the path is not canonical: no empty, "." or ".." segment, no control character, backslash or "*", at most 512 bytes',
    );
  }
}

/** What lies below is named with a trailing slash or without. */
const namedEitherWay = ['sys/mounts/', 'sys/auth/', 'sys/internal/ui/mounts/'];

/** The request in its one form: a mount that is read or disabled may be named with the trailing slash of its path. */
export function inOneForm(request: Request): Request {
  const { operation, path } = request;
  if (!path.endsWith('/') || (operation !== 'read' && operation !== 'delete')) return request;
  return namedEitherWay.some((folder) => path.startsWith(folder)) ? { ...request, path: path.slice(0, -1) } : request;
}

/** A trailing slash names a folder, which only a list may ask for: no other path has two forms. */
export function checkRequestPath({ operation, path }: Pick<Request, 'operation' | 'path'>): void {
  checkPath(path);
  if (operation !== 'list' && path.endsWith('/')) throw badRequest('the path ends in "/", which only a list request may');
}

/** The storage of a mount in the transaction of a run. */
export function storageOf(parts: CorridorParts, run: Run, mount: Mount): View {
  return mount.class === 'system' ? run.core : parts.barrier.view(run.tx, { mountId: mount.id });
}

/**
 * Authorises a request and finds its handler. Existence is only looked at for a caller who may know it, so that a
 * refusal never tells whether something is there.
 */
export async function admit(parts: CorridorParts, run: Run, request: Request, caller: Caller | null): Promise<Admission> {
  const path = request.path.endsWith('/') ? request.path.slice(0, -1) : request.path;
  const destination = run.mounts.resolve(path);
  const type = destination === null ? undefined : parts.types.get(typeKey(destination.mount.class, destination.mount.type));
  const listing = request.operation === 'list';
  const routes = destination === null || type === undefined ? [] : (type.routesFor?.(destination.mount.options) ?? type.routes);
  const found = destination === null ? null : matchRoute(routes, destination.path, listing);
  const asksForHelp = request.help === true && destination !== null && type !== undefined;
  const matched = asksForHelp ? helpMatch(destination, type, routes, found) : found;
  const spec = matched?.route.operations[request.operation];
  const mount = destination?.mount ?? null;
  const refusal = (reply: RequestError, verb: EntryParts['verb'], auth: EntryParts['auth']): Refusal =>
    new Refusal(reply, { verb, mount, auth, ...(spec?.shown === undefined ? {} : { shown: spec.shown }) });

  if (caller === null && spec?.unauthenticated !== true) throw refusal(permissionDenied(), null, null);
  const context =
    mount === null || matched === null
      ? null
      : ({
          request,
          params: matched.params,
          data: request.data,
          storage: storageOf(parts, run, mount),
          mount,
          caller,
          now: run.now,
          random: parts.random,
          services: parts.services,
          run,
        } satisfies CoreContext);
  const asked = (verb: AclQuestion['verb']): AclQuestion => ({
    verb,
    path: listing ? `${path}/` : request.path,
    data: request.data,
    wrapTtl: request.wrapTtl,
    sudo: spec?.sudo === true,
  });
  const bound = spec?.unauthenticated !== true && spec?.selfAuthorising !== true ? caller : null;
  if (bound !== null && request.operation === 'write' && !mayWrite(bound.acl, asked)) {
    throw refusal(permissionDenied(), null, auditAuth(bound, []));
  }
  const verb = await verbOf(request.operation, matched?.route, context);
  let granting: AuditAuth['granting'] = [];
  if (bound !== null) {
    const answer = bound.acl.allows(asked(verb));
    if (!answer.allowed) throw refusal(permissionDenied(), verb, auditAuth(bound, []));
    granting = answer.granting.map((policy) => ({ name: policy.name, type: policy.type }));
  }
  const auth = caller === null ? null : auditAuth(caller, granting);
  if (mount === null)
    throw refusal(new RequestError(404, `no handler for route "${request.path}". route entry not found.`), verb, auth);
  if (matched === null || context === null) throw refusal(new RequestError(404, 'unsupported path'), verb, auth);
  if (spec === undefined) throw refusal(new RequestError(405, 'unsupported operation'), verb, auth);
  return { request, verb, caller, mount, route: matched.route, spec, context, audit: auth };
}

/** May the caller make it, or change it where it is there already? */
function mayWrite(acl: Acl, asked: (verb: AclQuestion['verb']) => AclQuestion): boolean {
  return acl.allows(asked('update')).allowed || acl.allows(asked('create')).allowed;
}

async function verbOf(
  operation: Operation,
  route: Route | undefined,
  context: RouteContext | null,
): Promise<AclQuestion['verb']> {
  if (operation !== 'write') return operation;
  if (route?.exists === undefined || context === null) return 'update';
  return (await route.exists(context)) ? 'update' : 'create';
}

/**
 * Does the admitted work in the transaction of its run. `joined`: an apply moves the revision itself, once, asks what
 * holds when all is done, and prepares in its transaction, whose values nobody knows before.
 */
export async function perform(admission: Admission, joined: boolean, prepared?: unknown): Promise<Reply> {
  const { spec } = admission;
  const ready = joined && spec.prepare !== undefined ? await (await spec.prepare(admission.context))() : prepared;
  const context = ready === undefined ? admission.context : { ...admission.context, prepared: ready };
  const reply = await spec.handle(context);
  if (!joined) await spec.holds?.(context);
  if (admission.spec.configures === true && !joined) await moveRevision(admission.context.run.core);
  return withWarning(complete(reply), unrecognized(admission));
}

/** A reply that says nothing is one without content; a warning or a lease alone is something. */
function complete(reply: Reply): Reply {
  const { data, auth, json, body, status, leaseId } = reply;
  if ([data, auth, json, body, status, leaseId].some((part) => part !== undefined)) return reply;
  return reply.warnings === undefined ? { ...noContent, ...reply } : { ...reply, data: null };
}

/** The parameters that a route with declared fields does not know: somebody who misspelt a TTL must hear of it. */
function unrecognized({ spec, context }: Admission): readonly string[] {
  const { fields } = spec;
  if (fields === undefined) return [];
  return Object.keys(context.data)
    .filter((name) => !Object.hasOwn(fields, name) && !Object.hasOwn(context.params, name))
    .sort();
}

/**
 * The reply with the names in a warning. It gets no content by that: clients take one parameter too many for done, as the
 * Vault API has it, and only callers in this process see the warning.
 */
function withWarning(reply: Reply, names: readonly string[]): Reply {
  if (names.length === 0) return reply;
  const warning = `Endpoint ignored these unrecognized parameters: [${names.join(' ')}]`;
  return { ...reply, warnings: [...(reply.warnings ?? []), warning] };
}

function auditAuth(caller: Caller, granting: AuditAuth['granting']): AuditAuth {
  return {
    accessor: caller.accessor,
    displayName: caller.displayName,
    policies: caller.policies,
    tokenPolicies: caller.tokenPolicies,
    tokenType: caller.tokenType,
    entityId: caller.entityId,
    metadata: caller.metadata,
    granting,
  };
}

/** Any error as one that may be shown: a Fault of the layers below keeps its message, everything else becomes a 500. */
export function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof Refusal) return error.reply;
  if (error instanceof Fault) {
    if (error.code === 'sealed') return new RequestError(503, 'Vault is sealed', { cause: error });
    const text = error.hint === null ? error.message : `${error.message}. ${error.hint}`;
    return new RequestError(error.code === 'value-too-large' || error.code === 'key-too-long' ? 400 : 500, text, {
      cause: error,
    });
  }
  return new RequestError(500, 'internal error', { cause: error });
}

/** A request of the core's own making, for the reads and changes inside another request. */
export function innerRequest(outer: Request, operation: Operation, path: string, data: JsonObject): Request {
  return { id: outer.id, operation, path, data, token: outer.token, remote: outer.remote, wrapTtl: null };
}
