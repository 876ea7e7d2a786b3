import type { JsonObject } from '../base/json.ts';
import { randomUuid } from '../base/random.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { type CorridorParts, runOf } from './corridor.ts';
import { runningVersion } from './mount-fields.ts';
import { mountableTypes } from './mount-routes.ts';
import type { Route, RouteContext } from './mount-type.ts';

const catalogTypes = ['auth', 'database', 'secret'] as const;
type CatalogType = (typeof catalogTypes)[number];

const reloadFields = {
  plugin: { type: 'string', description: 'All mounts of this type.', default: '' },
  mounts: { type: 'strings', description: 'These mounts.', default: [] },
  scope: { type: 'string', description: 'Accepted for compatibility.' },
} as const satisfies Fields;

/** `sys/plugins`: the engines and auth methods of this build. None can be added: code comes with a release. */
export function pluginRoutes(parts: CorridorParts): readonly Route[] {
  const namesOf = (type: CatalogType): readonly string[] => (type === 'database' ? [] : mountableTypes(parts.types, type));
  const read = ({ params: { name = '' } }: RouteContext, type: CatalogType): Promise<Reply> => {
    if (!namesOf(type).includes(name)) throw notFound();
    return Promise.resolve({ data: { args: null, command: '', declarative: false, oci: false, sha256: '', ...shown(name) } });
  };
  return [
    {
      path: 'plugins/catalog',
      summary: 'The engines and auth methods of this build.',
      operations: {
        read: {
          summary: 'Lists them by type.',
          handle: () => {
            const detailed = catalogTypes.flatMap((type) => namesOf(type).map((name) => ({ ...shown(name), type })));
            const names = Object.fromEntries(catalogTypes.map((type) => [type, namesOf(type)]));
            return Promise.resolve({ data: { ...names, detailed } });
          },
        },
      },
    },
    ...catalogTypes.flatMap((type): readonly Route[] => [
      {
        path: `plugins/catalog/${type}`,
        summary: 'The names of one type.',
        operations: {
          list: {
            summary: 'Lists them.',
            sudo: true,
            handle: () => {
              const keys = namesOf(type);
              if (keys.length === 0) throw notFound();
              return Promise.resolve({ data: { keys } });
            },
          },
        },
      },
      {
        path: `plugins/catalog/${type}/:name`,
        summary: 'One of them.',
        operations: {
          read: { summary: 'Reads it.', sudo: true, handle: (context) => read(context, type) },
          write: {
            summary: 'Refused: plug-ins cannot be registered.',
            sudo: true,
            handle: () => {
              throw badRequest(
                'could not set plugin, plugin directory is not configured: engines and auth methods are those of this build',
              );
            },
          },
          delete: { summary: 'Does nothing: none is registered.', sudo: true, handle: () => Promise.resolve(noContent) },
        },
      },
    ]),
    {
      path: 'plugins/reload/backend',
      summary: 'Accepted for compatibility: engines keep nothing in memory that a reload would renew.',
      operations: {
        write: { summary: 'Does nothing.', fields: reloadFields, handle: (context) => Promise.resolve(reload(context, namesOf)) },
      },
    },
  ];
}

function shown(name: string): JsonObject {
  return { builtin: true, deprecation_status: 'supported', name, version: runningVersion() };
}

function reload(context: RouteContext, namesOf: (type: CatalogType) => readonly string[]): Reply {
  const { plugin, mounts } = readFields(reloadFields, context.data);
  if (plugin === '' && mounts.length === 0) throw badRequest('plugin or mounts must be provided');
  if (plugin !== '' && mounts.length > 0) throw badRequest('plugin and mounts cannot be set at the same time');
  if (plugin !== '' && !catalogTypes.some((type) => namesOf(type).includes(plugin))) {
    throw badRequest(`plugin not found in the catalog: "${plugin}"`);
  }
  for (const path of mounts) {
    const route = path.replace(/\/$/, '');
    if (runOf(context).mounts.resolve(route)?.path !== '') throw badRequest(`cannot fetch mount entry on "${route}/"`);
  }
  return { data: { reload_id: randomUuid(context.random) } };
}
