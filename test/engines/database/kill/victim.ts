import { resolve } from 'node:path';
import { ServedStore, type Answer, type Server } from '../../../server/server-process.ts';

const preload = resolve(import.meta.dirname, 'children/steps.mjs');

/** What came of a request to a server that may be killed meanwhile. */
export interface Outcome {
  /** Null: none came. */
  readonly answer: Answer | null;
  /** The step at which the server was killed; null: it lived. */
  readonly killedAt: string | null;
  /** Of a server that lived: the steps that it took. */
  readonly taken: readonly string[];
}

/** A store, and the servers that run on it until they are killed. */
export class Victim {
  readonly #store = new ServedStore();
  #server: Server | null = null;

  async begin(): Promise<void> {
    this.#store.settings('{ type: static }');
    this.#server = await this.#store.serve({ preload });
  }

  /** Starts the next server. */
  async restart(): Promise<void> {
    this.#server = await this.#store.serve({ preload });
  }

  /** Starts the next server, to be killed at its so many-th step while it starts or is used. The step; null: it lives on. */
  async restartUntil(step: number, use: () => Promise<void>): Promise<string | null> {
    try {
      this.#server = await this.#store.serve({ preload, env: { SECRETCTL_KILL_AT: String(step) } });
      await use();
      if ((await disarm(this.#server)) !== null) return null;
    } catch (error) {
      const killedAt = stepIn((error as Error).message);
      if (killedAt !== null) return killedAt;
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#running.exited;
    return stepIn(this.#running.log);
  }

  /** A request that nobody disturbs. Throws where it is refused. */
  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.ask(method, path, body);
    if (answer.status >= 400 && answer.status !== 404) {
      throw new Error(`${method} ${path} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer;
  }

  /** A request that nobody disturbs, whatever its answer is; with the root token unless told. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<Answer> {
    return this.#running.call(method, path, body, token);
  }

  /**
   * A request at whose so many-th step the server is killed, or at one of those by which it is carried out afterwards:
   * `carriedOut` waits for that. The server is gone where it was killed, and `restart` starts the next.
   */
  async callUntil(
    step: number,
    [method, path, body]: readonly [method: string, path: string, body?: unknown],
    carriedOut: () => Promise<boolean>,
  ): Promise<Outcome> {
    const server = this.#running;
    await told(server, { arm: step });
    const answer = await server.call(method, path, body).catch((error: unknown) => {
      if (error instanceof TypeError) return null;
      throw error;
    });
    while (answer !== null && server.process.signalCode === null && !(await carriedOut()));
    const taken = await disarm(server);
    if (taken !== null) return { answer, killedAt: null, taken };
    await server.exited;
    const killedAt = stepIn(server.log);
    if (killedAt === null) throw new Error(`the server ended by itself: ${server.log}`);
    return { answer, killedAt, taken: [] };
  }

  async end(): Promise<void> {
    await this.#running.stop();
  }

  get #running(): Server {
    if (this.#server === null) throw new Error('no server runs');
    return this.#server;
  }
}

const stepIn = (log: string): string | null => /killed at (.*)/.exec(log)?.[1] ?? null;

/** The steps since it was armed; null: it is dead. */
async function disarm(server: Server): Promise<readonly string[] | null> {
  const { taken } = (await told(server, { disarm: true }).catch(() => ({}))) as { readonly taken?: readonly string[] };
  return taken ?? null;
}

/** Its answer to a message. Throws where it is dead. */
async function told(server: Server, message: object): Promise<unknown> {
  const dead = new Error('the server is dead');
  const answer = new Promise((resolve) => server.process.once('message', resolve));
  await new Promise<void>((resolve, reject) =>
    server.process.send(message, (error) => (error === null ? resolve() : reject(dead))),
  );
  return Promise.race([answer, server.exited.then(() => Promise.reject(dead))]);
}
