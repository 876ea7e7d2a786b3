import type { JsonObject } from '../../base/json.ts';
import type { DeclaredSpecs, ResourceName, SpecProblem } from '../../kinds/kind.ts';
import { addressText } from '../../protocol/managed.ts';
import { databasePlugin } from './connection-fields.ts';
import { allows } from './connection-record.ts';
import type { StatementUse } from './plugins/plugin.ts';
import { isTexts, statementProblems } from './spec-fields.ts';

// A role, static or not, beside the connection that its document names, where a document declares that too.

/** `uses`: the fields that hold statements, and what these are for. */
export function besideConnection(
  uses: Readonly<Record<string, StatementUse>>,
): (spec: JsonObject, resource: ResourceName, others: DeclaredSpecs) => readonly SpecProblem[] {
  return (spec, { mount, name }, others) => {
    const resource: ResourceName = { kind: 'DatabaseConnection', mount, name: String(spec['connection']) };
    const connection = others(resource);
    if (connection === null) return [];
    const plugin = databasePlugin(connection['plugin']);
    const { allowedRoles = [] } = connection;
    return [
      // What is no list is ignored, so nobody knows it from here.
      ...(isTexts(allowedRoles) && !allows({ allowedRoles }, name) ? [notAllowed(name, resource)] : []),
      ...(plugin === null ? [] : Object.entries(uses).flatMap(([field, use]) => statementProblems(plugin, spec, field, use))),
    ];
  };
}

function notAllowed(role: string, connection: ResourceName): SpecProblem {
  return {
    at: '/connection',
    message: `"${role}" is not an allowed role of the connection "${connection.name}"`,
    hint: `add "${role}" to spec.allowedRoles of ${addressText(connection)}`,
    related: { message: 'that is declared at', resource: connection, at: '/allowedRoles' },
  };
}
