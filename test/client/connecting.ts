import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { Client } from '../../src/client/client.ts';
import { clientSettings, type ConnectionFlags } from '../../src/client/settings.ts';
import type { Environment } from '../../src/client/variable.ts';

/** A client that does not really wait, and the waits it would have made. */
export interface Connected {
  readonly client: Client;
  readonly waits: readonly number[];
}

export function connect(
  address: string,
  {
    env = {},
    flags = {},
    interrupted = null,
  }: { readonly env?: Environment; readonly flags?: ConnectionFlags; readonly interrupted?: AbortSignal | null } = {},
): Connected {
  const waits: number[] = [];
  const settings = clientSettings(env, { value: address, origin: '-address' }, flags, '/');
  const clock = { offset: 0, now: () => systemClock.now() + clock.offset };
  const client = new Client(settings, {
    clock,
    random: systemRandom,
    sleep: (milliseconds) => {
      waits.push(milliseconds);
      clock.offset += milliseconds;
      return Promise.resolve();
    },
    interrupted,
  });
  return { client, waits };
}

/** What a promise is rejected with. */
export async function refusal(work: Promise<unknown>): Promise<Error & { code?: string; hint?: string; status?: number }> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was refused');
}
