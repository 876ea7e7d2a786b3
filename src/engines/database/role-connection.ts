import type { JsonObject } from '../../base/json.ts';
import type { DeclaredSpecs, ResourceName, SpecProblem } from '../../kinds/kind.ts';
import { addressText } from '../../protocol/managed.ts';
import { allows } from './connection-record.ts';

// A role beside the connection that its document names, where a document declares that too.

/** That the connection of a role, static or not, does not let it use it. */
export function allowedRoleProblems(spec: JsonObject, resource: ResourceName, others: DeclaredSpecs): readonly SpecProblem[] {
  const { mount, name } = resource;
  const connection: ResourceName = { kind: 'DatabaseConnection', mount, name: String(spec['connection']) };
  const { allowedRoles = [] } = others(connection) ?? { allowedRoles: ['*'] };
  // Elsewhere it is said that it is no list, or it is not known from here.
  if (!isTexts(allowedRoles) || allows({ allowedRoles }, name)) return [];
  return [
    {
      at: '/connection',
      message: `"${name}" is not an allowed role of the connection "${connection.name}"`,
      hint: `add "${name}" to spec.allowedRoles of ${addressText(connection)}`,
      related: { message: 'that is declared at', resource: connection, at: '/allowedRoles' },
    },
  ];
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
