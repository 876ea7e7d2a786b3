import type { DatabasePlugin, ConnectionFields, DatabaseSession } from './plugins/plugin.ts';

interface Held {
  readonly version: string;
  readonly session: DatabaseSession;
  users: number;
  /** It is closed when nobody uses it any more. */
  retired: boolean;
}

/** The sessions of a running system, one for each connection of each mount, made when they are needed. */
export class DatabaseSessions {
  readonly #held = new Map<string, Held>();
  readonly #changing = new Map<string, Promise<unknown>>();

  /**
   * Works with the session of a connection. `version` changes with whatever it is made of: an older session is closed
   * when those who use it are done with it.
   */
  async use<T>(
    { uid, version, plugin }: { readonly uid: string; readonly version: string; readonly plugin: DatabasePlugin },
    connection: () => ConnectionFields,
    work: (session: DatabaseSession) => Promise<T>,
  ): Promise<T> {
    let held = this.#held.get(uid);
    if (held?.version !== version) {
      if (held !== undefined) this.#retire(held);
      held = { version, session: plugin.open(connection()), users: 0, retired: false };
      this.#held.set(uid, held);
    }
    held.users++;
    try {
      return await work(held.session);
    } finally {
      held.users--;
      if (held.retired) this.#retire(held);
    }
  }

  /** Follows a change of the password of a connection: who is refused meanwhile waits for `changed`. */
  async changing<T>(uid: string, change: Promise<T>): Promise<T> {
    this.#changing.set(uid, change);
    try {
      return await change;
    } finally {
      if (this.#changing.get(uid) === change) this.#changing.delete(uid);
    }
  }

  /** Resolves when no such change is under way. */
  async changed(uid: string): Promise<void> {
    await this.#changing.get(uid)?.catch(() => undefined);
  }

  /** The next use opens it anew. */
  reset(uid: string): void {
    const held = this.#held.get(uid);
    if (held === undefined) return;
    this.#held.delete(uid);
    this.#retire(held);
  }

  async close(): Promise<void> {
    const held = [...this.#held.values()];
    this.#held.clear();
    await Promise.allSettled(held.map(({ session }) => session.close()));
  }

  #retire(held: Held): void {
    held.retired = true;
    if (held.users === 0) void held.session.close().catch(() => undefined);
  }
}
