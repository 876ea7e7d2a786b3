import { isJsonObject, pointerTokens, type Json, type JsonObject } from '../base/json.ts';
import { shellWord } from '../base/shell-word.ts';
import { visitFields, type AnnotatedField } from '../kinds/annotation.ts';
import { fieldPath } from '../kinds/field-path.ts';
import type { ResourceName } from '../kinds/kind.ts';
import { unresolved } from '../kinds/validate.ts';
import { addressText } from '../protocol/managed.ts';
import type { DiagnosticCode } from './diagnostic.ts';

/** A secret field that holds no value source. Its message does not quote what it holds. */
export interface SecretProblem {
  readonly code: DiagnosticCode;
  /** A JSON pointer into spec. */
  readonly at: string;
  readonly message: string;
  readonly hint: string;
}

/** The command that makes the sealed block of one field, and with `write` puts it in place of what is there; it asks for the value. */
function sealCommand(resource: ResourceName, field: string, write: boolean): string {
  return `secretctl encrypt ${write ? '-write ' : ''}${shellWord(addressText(resource))} ${shellWord(field)}`;
}

/**
 * The secret fields of a spec that hold a plain value or a sealed block of the wrong form. Whether a block opens, and
 * is bound to this field, only the store can tell. `writable`: the block can be written into the document by a command,
 * as it is not one document for many objects.
 */
export function secretProblems(
  spec: JsonObject,
  fields: readonly AnnotatedField[],
  resource: ResourceName,
  writable: boolean,
): readonly SecretProblem[] {
  const problems: SecretProblem[] = [];
  visitFields(spec, fields, (value, at) => {
    if (value === unresolved || value === null) return;
    const field = fieldPath(pointerTokens(at));
    const seal = `seal it: ${sealCommand(resource, field, writable)}`;
    if (!isJsonObject(value)) {
      const message = `a plain value in the secret field "${field}": everyone who reads the repo would know it`;
      problems.push({ code: 'SECRET001', at, message, hint: seal });
      return;
    }
    const block = value['sealed'];
    if (typeof block === 'string' && !isSealedBlock(block)) {
      const message = `the sealed value of "${field}" is not an age block`;
      problems.push({ code: 'SECRET002', at: `${at}/sealed`, message, hint: seal });
    }
  });
  return problems;
}

/** A copy of `spec` in which `unresolved` stands at the pointers, so that nothing more is said about these places. */
export function withoutValues(spec: JsonObject, pointers: readonly string[]): JsonObject {
  return pointers.reduce<JsonObject>((copy, pointer) => replaced(copy, pointerTokens(pointer)) as JsonObject, spec);
}

function replaced(value: Json, [token, ...rest]: readonly string[]): Json {
  if (token === undefined) return unresolved;
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, index) => (String(index) === token ? replaced(item, rest) : item));
  return isJsonObject(value) ? { ...value, [token]: replaced(value[token] ?? null, rest) } : value;
}

const armour =
  /^\s*-----BEGIN AGE ENCRYPTED FILE-----\r?\n(?:[A-Za-z0-9+/]{64}\r?\n)*[A-Za-z0-9+/]{1,64}={0,2}\r?\n-----END AGE ENCRYPTED FILE-----\s*$/;
const begin = /-----\r?\n([A-Za-z0-9+/]{32})/;

/** True for the armour of an age file (version 1). What is inside is not looked at. */
function isSealedBlock(text: string): boolean {
  if (!armour.test(text)) return false;
  return Buffer.from(begin.exec(text)?.[1] ?? '', 'base64')
    .toString('latin1')
    .startsWith('age-encryption.org/v1\n');
}
