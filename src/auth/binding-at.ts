import { type MappedField, readMapped } from '../kinds/field-map.ts';
import type { BindingLens } from './method.ts';

/** What is the same for every binding that is one object at one path: how it is read, removed and renamed. */
export function bindingAt(
  pathOf: (mount: string, name: string) => string,
  fields: readonly MappedField[],
): Pick<BindingLens, 'reads' | 'read' | 'remove' | 'move'> {
  return {
    reads: (mount, name) => [{ operation: 'read', path: pathOf(mount, name) }],
    read: ([reply]) => (reply === null || reply === undefined ? null : readMapped(fields, reply)),
    remove: (mount, name) => [{ operation: 'delete', path: pathOf(mount, name), data: {} }],
    move: (mount, from, to) => [
      { operation: 'write', path: 'sys/managed/rename', data: { from: pathOf(mount, from), to: pathOf(mount, to) } },
    ],
  };
}
