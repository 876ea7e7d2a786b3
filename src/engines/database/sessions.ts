import type { DatabasePlugin, ConnectionFields, DatabaseSession } from './plugins/plugin.ts';

interface Held {
  readonly version: string;
  readonly session: DatabaseSession;
}

/** The sessions of a running system, one for each connection of each mount, made when they are needed. */
export class DatabaseSessions {
  readonly #held = new Map<string, Held>();

  /**
   * The session of a connection. `version` changes with whatever it is made of: an older session is closed when those
   * who use it are done with it.
   */
  of(uid: string, version: string, plugin: DatabasePlugin, connection: () => ConnectionFields): DatabaseSession {
    const held = this.#held.get(uid);
    if (held?.version === version) return held.session;
    const session = plugin.open(connection());
    this.#held.set(uid, { version, session });
    if (held !== undefined) void held.session.close().catch(() => undefined);
    return session;
  }

  /** Closes it: the next use opens it anew. */
  async reset(uid: string): Promise<void> {
    const held = this.#held.get(uid);
    this.#held.delete(uid);
    await held?.session.close();
  }

  async close(): Promise<void> {
    const held = [...this.#held.values()];
    this.#held.clear();
    await Promise.allSettled(held.map(({ session }) => session.close()));
  }
}
