/** The environment as the client sees it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting with its source, for messages: `VAULT_ADDR`, or `-address`. */
export interface Setting {
  readonly value: string;
  readonly origin: string;
}

// The more a name says that it means this program, the more it counts.
const prefixes = ['SECRETCTL_', 'BAO_', 'VAULT_'] as const;

/** A variable under the first of its names that is set: `SECRETCTL_…`, `BAO_…`, `VAULT_…`. An empty one is not set. */
export function variable(env: Environment, name: string): Setting | null {
  for (const prefix of prefixes) {
    const value = env[prefix + name]?.trim() ?? '';
    if (value !== '') return { value, origin: prefix + name };
  }
  return null;
}

/** The address that the environment names, or null. An agent's address counts before the server's. */
export function addressOf(env: Environment): Setting | null {
  return variable(env, 'AGENT_ADDR') ?? variable(env, 'ADDR');
}
