import { durationForm, type MappedField, plainForm } from '../../kinds/field-map.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import type { LensContext, ResourceName, SpecProblem, SpecSchema } from '../../kinds/kind.ts';
import type { DatabasePlugin, StatementUse } from './plugins/plugin.ts';

/** What the documents of this engine have in common: forms of fields, and the mount in which they live. */

export const engineSchema: SpecSchema = {
  type: 'string',
  minLength: 1,
  description: 'The database mount in which it lives.',
  'x-reference': 'SecretEngine',
};

/** What a message of the API calls its fields, as documents call them: `connection_url` is `connectionUrl`. */
export function documentWords(message: string): string {
  return message.replace(/\b(?:connection_url|[a-z]+(?:_[a-z]+)*_statements)\b/g, (member) =>
    member.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  );
}

/** What is wrong with the statements in a field of a spec. */
export function statementProblems(
  plugin: DatabasePlugin,
  spec: JsonObject,
  field: string,
  use: StatementUse,
): readonly SpecProblem[] {
  const statements = spec[field] ?? [];
  if (!isTexts(statements)) return [];
  return plugin.checkStatements(use, statements).map(({ index, message, ...rest }) => ({
    at: index === null ? `/${field}` : `/${field}/${index}`,
    message: documentWords(message),
    // Where the placeholder of a password is missing, a password may stand in its place.
    hidden: index === null && rest.severity === undefined,
    ...rest,
  }));
}

export function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Statements in their order. */
export function statementsField(name: string, member: string, description: string): MappedField {
  const items: SpecSchema = { type: 'string', minLength: 1, description: 'A statement, with its placeholders in quotes.' };
  return { at: [name], member, form: plainForm, schema: { type: 'array', default: [], items, description } };
}

export function durationField(at: MappedField['at'], member: string, description: string): MappedField {
  return { at, member, form: durationForm, schema: { type: 'string', format: 'duration', default: '0s', description } };
}

export function plainField(at: MappedField['at'], member: string, schema: SpecSchema): MappedField {
  return { at, member, form: plainForm, schema };
}

/** False: there will be no such mount, and what is in it goes with it. */
export function isDatabaseMount({ mount }: ResourceName, { engines }: LensContext): boolean {
  return mount !== null && engines.get(mount)?.type === 'database';
}

/** A mount that nobody declares is reported as the reference that it is. */
export function mountProblems({ kind, mount }: ResourceName, { engines }: LensContext): readonly SpecProblem[] {
  const type = mount === null ? undefined : engines.get(mount)?.type;
  if (type === undefined || type === 'database') return [];
  return [{ at: '/engine', message: `"${mount}" is a mount of type ${type}; a ${kind} lives in a database mount` }];
}
