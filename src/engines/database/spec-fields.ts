import { durationForm, type MappedField, plainForm } from '../../kinds/field-map.ts';
import type { LensContext, ResourceName, SpecProblem, SpecSchema } from '../../kinds/kind.ts';

/** What the documents of this engine have in common: forms of fields, and the mount in which they live. */

export const engineSchema: SpecSchema = {
  type: 'string',
  minLength: 1,
  description: 'The database mount in which it lives.',
  'x-reference': 'SecretEngine',
};

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
