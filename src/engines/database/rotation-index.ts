import type { View } from '../../barrier/view.ts';

/** Whose password is changed: that of the user of a static role, or that of a connection. */
export interface Subject {
  readonly kind: 'role' | 'root';
  readonly name: string;
}

interface Due {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly subject: Subject;
}

/**
 * When which password is to be changed, by connection: `due/<connection>/<time>/<kind>/<name>`. What waits costs nothing,
 * at a start neither, and what one database keeps waiting is not in the way of others.
 */
const folder = 'due/';
const digits = 16;

const keyOf = (connection: string, at: number, { kind, name }: Subject): string =>
  `${folder}${connection}/${String(at).padStart(digits, '0')}/${kind}/${name}`;

export async function noteDue(storage: View, connection: string, at: number, subject: Subject): Promise<void> {
  await storage.put(keyOf(connection, at, subject), new Uint8Array());
}

export async function forgetDue(storage: View, connection: string, at: number, subject: Subject): Promise<void> {
  await storage.delete(keyOf(connection, at, subject));
}

/** The first of a connection. */
export async function dueOf(storage: View, connection: string, limit: number): Promise<readonly Due[]> {
  const below = `${folder}${connection}/`;
  return (await storage.scan(below, { limit })).map((path) => {
    const [time = '', kind, name = ''] = path.slice(below.length).split('/');
    return { at: Number(time), subject: { kind: kind === 'root' ? 'root' : 'role', name } };
  });
}

/** The connections of which anything waits, a page in byte order. */
export async function dueConnections(storage: View, after: string | null, limit: number): Promise<readonly string[]> {
  const names = await storage.children(folder, { limit, ...(after === null ? {} : { after: `${after}/` }) });
  return names.map((name) => name.slice(0, -1));
}
