import type { Json, JsonObject } from '../base/json.ts';
import type { SecretField, ShownObject } from './plan.ts';

/** A value as people see it: in the place of a secret, or of what nobody knows yet, stands a symbol. */
export type Display = null | boolean | number | string | symbol | readonly Display[] | DisplayObject;
export interface DisplayObject {
  readonly [name: string]: Display;
}

/** A secret that will be written: as it is, and as it will be. */
const secretBefore = Symbol('secret before');
export const secretAfter = Symbol('secret after');
/** A secret that stays. */
export const secretKept = Symbol('secret kept');
export const knownAfterApply = Symbol('known after apply');

export function isDisplayObject(value: Display | undefined): value is DisplayObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isDisplayList(value: Display | undefined): value is readonly Display[] {
  return Array.isArray(value);
}

/**
 * The attributes of an object on one side of a change: the members of its spec without secrets, and what its metadata
 * says beyond a name, under names that no spec has.
 */
export function attributesOf(
  shown: ShownObject | null,
  secrets: readonly SecretField[],
  side: 'before' | 'after',
): DisplayObject | null {
  if (shown === null) return null;
  const states = new Map(secrets.map(({ at, state }) => [at, state]));
  const spec = masked(shown.spec, '', (pointer) => {
    const state = states.get(pointer);
    if (state === undefined) return undefined;
    return state === 'unchanged' ? secretKept : side === 'before' ? secretBefore : secretAfter;
  }) as DisplayObject;
  const metadata: [string, Display][] = [];
  if (Object.keys(shown.labels).length > 0) metadata.push(['metadata.labels', shown.labels]);
  if (shown.protect) metadata.push(['metadata.protect', true]);
  return metadata.length === 0 ? spec : Object.fromEntries([...Object.entries(spec), ...metadata]);
}

function masked(value: Json, pointer: string, mask: (pointer: string) => symbol | undefined): Display {
  const symbol = mask(pointer);
  if (symbol !== undefined) return symbol;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item, index) => masked(item, `${pointer}/${index}`, mask));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([name, member]) => [
      name,
      masked(member, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, mask),
    ]),
  );
}
