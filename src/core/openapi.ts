import type { Json, JsonObject } from '../base/json.ts';
import { vaultApiVersion } from '../base/version.ts';
import type { Field } from '../protocol/field.ts';
import type { Operation } from '../protocol/request.ts';
import type { OperationSpec, Route } from './mount-type.ts';

/** The routes that one mount has. */
export interface MountedRoutes {
  /** Where requests reach it, without a trailing slash. */
  readonly at: string;
  readonly routes: readonly Route[];
}

const methods: Readonly<Record<Operation, string>> = {
  read: 'get',
  list: 'get',
  write: 'post',
  patch: 'patch',
  delete: 'delete',
};

/** The routes as an OpenAPI document (https://spec.openapis.org/oas/v3.0.3); its paths are relative to `/v1`. */
export function openapiDocument(mounts: readonly MountedRoutes[]): JsonObject {
  const paths = new Map<string, Record<string, Json>>();
  for (const { at, routes } of mounts) {
    for (const route of routes) {
      for (const [operation, spec] of Object.entries(route.operations) as [Operation, OperationSpec][]) {
        const path = `/${at}/${template(route.path)}${operation === 'list' ? '/' : ''}`.replace(/\/{2,}/g, '/');
        const item = paths.get(path) ?? newItem(route);
        item[methods[operation]] ??= operationObject(operation, spec);
        if (spec.sudo === true) item['x-vault-sudo'] = true;
        if (spec.unauthenticated === true) item['x-vault-unauthenticated'] = true;
        paths.set(path, item);
      }
    }
  }
  return {
    openapi: '3.0.3',
    info: {
      title: 'secretctl',
      description: 'The HTTP API of secretctl, which is that of Vault. All paths are below /v1.',
      version: vaultApiVersion(),
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    paths: Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1))),
    components: { schemas: {} },
  };
}

/** `data/:path*` as `data/{path}`. */
function template(path: string): string {
  return path.replace(/:(\w+)\*?/g, '{$1}');
}

function newItem(route: Route): Record<string, Json> {
  const parameters = [...route.path.matchAll(/:(\w+)(\*?)/g)].map(([, name = '', rest]) => ({
    name,
    in: 'path',
    required: true,
    description: rest === '' ? 'A name.' : 'A path, which may have slashes.',
    schema: { type: 'string' },
  }));
  return { description: route.summary, ...(parameters.length === 0 ? {} : { parameters }) };
}

function operationObject(operation: Operation, spec: OperationSpec): JsonObject {
  const fields = Object.entries(spec.fields ?? {});
  const answered = {
    summary: spec.summary,
    responses: { '200': { description: 'OK' }, '204': { description: 'Done, without content' } },
  };
  if (operation === 'write' || operation === 'patch') {
    const required = fields.filter(([, field]) => field.required === true).map(([name]) => name);
    const schema = {
      type: 'object',
      properties: Object.fromEntries(fields.map(([name, field]) => [name, fieldSchema(field)])),
      ...(required.length === 0 ? {} : { required }),
    };
    const type = operation === 'patch' ? 'application/merge-patch+json' : 'application/json';
    return { ...answered, requestBody: { required: required.length > 0, content: { [type]: { schema } } } };
  }
  const query = fields.map(([name, field]) => ({
    name,
    in: 'query',
    required: field.required === true,
    description: field.description,
    schema: fieldSchema(field),
  }));
  const list = {
    name: 'list',
    in: 'query',
    required: true,
    description: 'Makes it a list.',
    schema: { type: 'string', enum: ['true'] },
  };
  const parameters = operation === 'list' ? [list, ...query] : query;
  return { ...answered, ...(parameters.length === 0 ? {} : { parameters }) };
}

const schemas: Readonly<Record<Field['type'], JsonObject>> = {
  string: { type: 'string' },
  int: { type: 'integer' },
  bool: { type: 'boolean' },
  duration: { type: 'string', format: 'duration', example: '1h' },
  strings: { type: 'array', items: { type: 'string' } },
  texts: { type: 'array', items: { type: 'string' } },
  ints: { type: 'array', items: { type: 'integer' } },
  map: { type: 'object' },
  stringMap: { type: 'object', additionalProperties: { type: 'string' } },
  any: {},
};

function fieldSchema(field: Field): JsonObject {
  const schema: JsonObject = { ...schemas[field.type], description: field.description };
  return field.default === undefined ? schema : { ...schema, default: field.default };
}
