import type { JsonObject } from '../base/json.ts';
import type { Operation } from '../protocol/request.ts';
import type { MountType, OperationSpec, Route } from './mount-type.ts';
import { openapiDocument } from './openapi.ts';

const verbs: Readonly<Record<Operation, string>> = {
  read: 'GET',
  list: 'LIST',
  write: 'POST',
  patch: 'PATCH',
  delete: 'DELETE',
};

/** What `?help=1` answers for a whole mount. */
export function mountHelp(at: string, type: MountType, routes: readonly Route[]): JsonObject {
  const paths = routes.map((route) => `    ${route.path}\n        ${route.summary}\n`);
  const text = `## DESCRIPTION\n\n${type.description}\n\n## PATHS\n\nHelp for a path that matches one of these:\n\n${paths.join('\n')}`;
  return { help: text, openapi: openapiDocument([{ at, routes }]), see_also: null };
}

/** What `?help=1` answers for a path, relative to its mount. */
export function routeHelp(at: string, path: string, route: Route): JsonObject {
  const operations = Object.entries(route.operations) as [Operation, OperationSpec][];
  const text = [
    `Request:        ${path}\nMatching route: ${route.path}\n\n${route.summary}\n`,
    ...operations.map(([operation, spec]) => `## ${verbs[operation]}\n\n${spec.summary}\n${fieldsText(spec)}`),
  ];
  return { help: text.join('\n'), openapi: openapiDocument([{ at, routes: [route] }]), see_also: null };
}

function fieldsText({ fields = {} }: OperationSpec): string {
  return Object.entries(fields)
    .map(
      ([name, field]) =>
        `\n    ${name} (${field.type}${field.required === true ? ', required' : ''})\n        ${field.description}\n`,
    )
    .join('');
}
