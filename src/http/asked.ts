import type { JsonObject } from '../base/json.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { Operation } from '../protocol/request.ts';
import { booleanParameter, parseParameters, queryData } from './query.ts';
import { parseTarget } from './target.ts';

/** What the request line asks for. */
export interface Asked {
  readonly operation: Operation;
  /** As Request has it: a list path ends in `/`, no other does. */
  readonly path: string;
  /** The query, where the operation takes no body. */
  readonly data: JsonObject;
  readonly help: boolean;
}

const nothing: JsonObject = {};

const operations: Readonly<Record<string, Operation>> = {
  GET: 'read',
  LIST: 'list',
  POST: 'write',
  PUT: 'write',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Throws RequestError 400, 404 or 405. Of all headers that would name another verb none counts. */
export function readRequestLine(method: string, target: string, maxParameters: number): Asked {
  const { path, query } = parseTarget(target);
  let operation = operations[method] ?? null;
  if (method === 'HEAD' && path === 'sys/health') operation = 'read';
  if (operation === null) throw unsupportedVerb();
  if (query === '') return { operation, path: settledPath(operation, path), data: nothing, help: false };
  const parameters = new Map(parseParameters(query, maxParameters));
  if ((parameters.get('help')?.[0] ?? '') !== '') {
    return { operation: 'read', path: path.endsWith('/') ? path.slice(0, -1) : path, data: nothing, help: true };
  }
  parameters.delete('help');
  if (operation === 'read') {
    if (booleanParameter(parameters, 'scan') === true) throw unsupportedVerb();
    if (booleanParameter(parameters, 'list') === true) operation = 'list';
    parameters.delete('list');
  }
  const takesBody = operation === 'write' || operation === 'patch';
  return { operation, path: settledPath(operation, path), data: takesBody ? nothing : queryData(parameters), help: false };
}

/** A trailing slash names a folder. The API takes it for the object of that name only below `sys/`. */
function settledPath(operation: Operation, path: string): string {
  if (operation === 'list') return path.endsWith('/') ? path : `${path}/`;
  if (!path.endsWith('/')) return path;
  if (operation === 'write' || operation === 'patch') throw badRequest("cannot write to a path ending in '/'");
  return path.startsWith('sys/') ? path.slice(0, -1) : path;
}

export function unsupportedVerb(): RequestError {
  return new RequestError(405, 'unsupported operation', { headers: { Allow: 'GET, LIST, POST, PUT, PATCH, DELETE' } });
}
