import type { Kind, LensContext, LiveObject, ResourceName } from '../kinds/kind.ts';
import { takeSnapshot } from './planning.ts';
import type { Session } from './session.ts';

/** An object as the store has it, in the terms of its kind; null: there is none. */
export async function readLive(
  session: Session,
  kind: Kind,
  name: ResourceName,
  context: LensContext,
): Promise<LiveObject | null> {
  const { replies } = await takeSnapshot(session, { reads: kind.reads(name, context) });
  return kind.read(replies, name, context);
}
