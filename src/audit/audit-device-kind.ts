import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { Kind } from '../kinds/kind.ts';

/** `AuditDevice`: enables an audit sink that the store's settings declare under the document's name. */
export const auditDeviceKind: Kind = {
  kind: 'AuditDevice',
  description:
    'Enables an audit sink. Where it writes to stands in the settings of the store, under the same name; a config repo decides only whether it is enabled.',
  mountField: null,
  mountKind: null,
  nameRule: 'identifier',
  importId: "the sink's name",
  replaceOn: ['/type'],
  spec: {
    type: 'object',
    description: 'Which declared sink to enable.',
    additionalProperties: false,
    required: ['type'],
    properties: {
      type: {
        type: 'string',
        description: 'Type of the sink; must be the one that the settings declare (file, syslog, socket).',
        minLength: 1,
        examples: ['file', 'syslog', 'socket'],
      },
      description: { type: 'string', description: 'For people.', default: '' },
    },
  },
  normalize: shown,
  reads: () => [{ operation: 'read', path: 'sys/audit' }],
  read([devices], { name }) {
    const device = devices?.[`${name}/`];
    if (!isJsonObject(device)) return null;
    return { spec: shown(device), mark: null };
  },
  write: ({ after }, { name }) => [{ operation: 'write', path: `sys/audit/${name}`, data: shown(after) }],
  remove: ({ name }) => [{ operation: 'delete', path: `sys/audit/${name}`, data: {} }],
};

function shown(device: JsonObject): JsonObject {
  return { type: device['type'] ?? '', description: device['description'] ?? '' };
}
