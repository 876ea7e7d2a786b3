import type { JsonObject } from '../base/json.ts';
import type { Kind, LensContext, LiveObject, ResourceName } from '../kinds/kind.ts';
import type { Session } from './session.ts';

/** An object as the store has it, in the terms of its kind; null: there is none. */
export async function readLive(
  session: Session,
  kind: Kind,
  name: ResourceName,
  context: LensContext,
): Promise<LiveObject | null> {
  const replies: (JsonObject | null)[] = [];
  for (const { operation, path } of kind.reads(name, context)) {
    replies.push(operation === 'read' ? await session.read(path) : await listed(session, path));
  }
  return kind.read(replies, name, context);
}

async function listed(session: Session, path: string): Promise<JsonObject | null> {
  const keys = await session.list(path);
  return keys.length === 0 ? null : { keys };
}
