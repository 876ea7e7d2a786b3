import { randomText } from '../base/random.ts';
import type { RouteContext } from '../core/mount-type.ts';
import type { IdentityKind, IdentityRecords } from './records.ts';

/** A name that nothing has yet: `entity_1a2b3c4d`. */
export async function freeName(context: RouteContext, records: IdentityRecords, kind: IdentityKind): Promise<string> {
  for (;;) {
    const name = `${kind}_${randomText(context.random, 8, '0123456789abcdef')}`;
    if ((await records.byName(kind, name)) === null) return name;
  }
}
