import type { JsonObject } from '../base/json.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { ValueHash } from './value-hash.ts';
import { requestHeaderRoutes } from './request-headers.ts';
import type { AuditSink } from './sink.ts';
import { deleteEnabledSink, enabledSinkNames, getEnabledSink, putEnabledSink, readAuditKey } from './stored.ts';

/** What the routes need to know of a declared sink. */
type DeclaredSink = Pick<AuditSink, 'name' | 'type' | 'options' | 'accepts' | 'check'>;

export interface AuditRouteDeps {
  /** The sinks that the settings declare. */
  readonly sinks: readonly DeclaredSink[];
}

const enableFields = {
  type: { type: 'string', description: 'Type of the sink, as the settings declare it', required: true },
  description: { type: 'string', description: 'For people', default: '' },
  options: { type: 'map', description: 'Options of the device; only those that say what the settings say', default: {} },
  local: { type: 'bool', description: 'Always false: there is no replication', default: false },
} as const satisfies Fields;

const hashFields = {
  input: { type: 'any', description: 'The string, number or boolean to hash as the audit log hashes it', default: '' },
} as const satisfies Fields;

/**
 * The routes of the audit log, relative to `sys/`. They change which of the declared sinks are enabled, nothing else:
 * where lines are written to is never decided by a request. The log follows (`AuditLog.follow`) after the commit.
 */
export function auditRoutes({ sinks }: AuditRouteDeps): readonly Route[] {
  const declared = new Map(sinks.map((sink) => [sink.name, sink]));
  return [
    {
      path: 'audit',
      summary: 'Enabled audit sinks',
      operations: {
        read: { summary: 'Lists the enabled sinks', sudo: true, forPlans: true, handle: (context) => list(context, declared) },
      },
    },
    {
      path: 'audit/:name',
      summary: 'One audit sink',
      exists: async ({ storage, params }) => (await getEnabledSink(storage, nameIn(params))) !== null,
      operations: {
        write: {
          summary: 'Enables a sink that the settings declare',
          fields: enableFields,
          sudo: true,
          configures: true,
          handle: (context) => enable(context, declared),
        },
        delete: { summary: 'Disables a sink', sudo: true, configures: true, handle: disable },
      },
    },
    {
      path: 'audit-hash/:name',
      summary: 'The hash that stands for a value in the audit log',
      operations: { write: { summary: 'Hashes a value', fields: hashFields, handle: hashOf } },
    },
    ...requestHeaderRoutes,
  ];
}

async function list({ storage }: RouteContext, declared: ReadonlyMap<string, DeclaredSink>): Promise<Reply> {
  const data: Record<string, JsonObject> = {};
  for (const name of await enabledSinkNames(storage)) {
    const sink = await getEnabledSink(storage, name);
    if (sink === null) continue;
    const options = declared.get(name)?.options ?? {};
    data[`${name}/`] = { type: sink.type, description: sink.description, options, local: false, path: `${name}/` };
  }
  return { data };
}

async function enable({ storage, params, data }: RouteContext, declared: ReadonlyMap<string, DeclaredSink>): Promise<Reply> {
  const name = nameIn(params);
  const { type, description, options, local } = readFields(enableFields, data);
  const sink = declared.get(name);
  if (sink === undefined) {
    const known = [...declared.keys()].join(', ') || 'none';
    throw badRequest(
      `the settings declare no audit sink "${name}" (declared: ${known}); a request can only enable a declared one`,
    );
  }
  if (type !== sink.type) throw badRequest(`the settings declare the audit sink "${name}" with type "${sink.type}"`);
  if (local) throw badRequest('local audit sinks are not supported: there is no replication');
  for (const [option, value] of Object.entries(options)) {
    const accepted = Object.hasOwn(sink.accepts, option) ? sink.accepts[option] : undefined;
    if (accepted === undefined || String(value) !== accepted) {
      throw badRequest(`option "${option}" is decided by the settings of the audit sink "${name}", not by a request`);
    }
  }
  const before = await getEnabledSink(storage, name);
  if (before === null) {
    const problem = await sink.check();
    if (problem !== null) throw badRequest(`the audit sink "${name}" cannot be used: ${problem}`);
  }
  await putEnabledSink(storage, name, { type, description });
  return noContent;
}

async function disable({ storage, params }: RouteContext): Promise<Reply> {
  const name = nameIn(params);
  const enabled = await enabledSinkNames(storage);
  if (!enabled.includes(name)) return noContent;
  if (enabled.length === 1) {
    throw badRequest(
      `"${name}" is the only enabled audit sink and cannot be disabled: nothing is served that is not audited; enable another one first`,
    );
  }
  await deleteEnabledSink(storage, name);
  return noContent;
}

async function hashOf({ storage, params, data }: RouteContext): Promise<Reply> {
  const name = nameIn(params);
  const { input } = readFields(hashFields, data);
  if (input === '') throw badRequest('the "input" parameter is empty');
  if ((await getEnabledSink(storage, name)) === null) throw badRequest(`unknown audit backend "${name}/"`);
  if (typeof input !== 'string' && typeof input !== 'number' && typeof input !== 'boolean') {
    throw badRequest('field "input" must be a string, a number or a boolean');
  }
  const key = await readAuditKey(storage);
  const hashes = new ValueHash(key);
  try {
    return { data: { hash: hashes.of(input) } };
  } finally {
    hashes.wipe();
  }
}

function nameIn(params: Readonly<Record<string, string>>): string {
  return params['name'] ?? '';
}
