import { hostname } from 'node:os';
import { Fault } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { ApplyBody, ApplyOutcome } from '../protocol/managed.ts';
import type { Reply } from '../protocol/reply.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { CliContext } from './context.ts';
import { isProvablyGone, processName } from './lock-holder.ts';
import { managing } from './managing.ts';
import { plain } from './output.ts';
import type { Session } from './session.ts';

/** Seconds for which the lock is held unless it is renewed. Whoever dies with it keeps others waiting so long, unless these can see that. */
const ttl = 120;
const renewalInterval = 30_000;
/** Seconds for which a closed store is asked to remember it: nobody can renew it meanwhile. */
const ttlOfClosedStore = 900;

/** The apply lock, as the command that holds it uses it. */
export interface ApplyLock {
  /** Commits an apply under the lock, which ends with it. Throws RequestError, or Fault `outcome-unknown`. */
  apply(body: ApplyBody): Promise<ApplyOutcome>;
  /** Does what may take a person's time. The lock stays; the store is free for others meanwhile. */
  apart<T>(work: () => Promise<T>): Promise<T>;
}

/** Takes the apply lock, does the work under it, and gives it back however that ends. Throws RequestError 409: somebody else has it. */
export async function underApplyLock<T>(
  context: CliContext,
  session: Session,
  command: string,
  work: (lock: ApplyLock) => Promise<T>,
): Promise<T> {
  const about = { who: whoAmI(context), command: `secretctl ${command}`, ttl, ...thisProcess(session) };
  const take = (): Promise<Reply> => managing(session, session.request('write', 'sys/managed/lock', about));
  const taken = await take().catch(async (error: unknown) => {
    if (!(error instanceof RequestError) || error.status !== 409 || !(await endOfDead(context, session))) throw error;
    return take();
  });
  const id = String(taken.data?.id);
  const path = `sys/managed/lock/${id}`;
  let held = true;
  try {
    return await work({
      async apply(body) {
        noteLength(context, body);
        const reply = await committed(
          session.request('write', 'sys/apply', { ...body, lock: id } as unknown as JsonObject, { long: true }),
        );
        held = false;
        return reply.data as unknown as ApplyOutcome;
      },
      async apart(waiting) {
        if (session.connection.store === null) return renewing(context, session, path, waiting);
        await session.request('write', path, { ttl: ttlOfClosedStore });
        return session.apart(waiting);
      },
    });
  } finally {
    // Where it can't be given back now, it expires.
    if (held) await session.request('delete', path).catch(() => undefined);
  }
}

/** A command that opens the store itself is a process of this machine, which others can look for; a client need not be. */
function thisProcess({ connection }: Session): { readonly process?: string } {
  const name = connection.store === null ? null : processName(process.pid);
  return name === null ? {} : { process: name };
}

/** Ends the lock of a process that was killed, and says so. False: it may live, or the token may not. */
async function endOfDead(context: CliContext, session: Session): Promise<boolean> {
  if (session.connection.store === null) return false;
  const lock = await session.read('sys/managed/lock').catch(() => null);
  if (typeof lock?.process !== 'string' || typeof lock.id !== 'string' || !isProvablyGone(lock.process)) return false;
  try {
    await session.request('write', 'sys/managed/force-unlock', { id: lock.id });
  } catch {
    return false;
  }
  const [, , pid] = lock.process.split(' ');
  context.terminal.err(
    `The apply lock of ${plain(lock.who ?? '')} (${plain(lock.command ?? '')}) is taken over: process ${pid} is gone.\n`,
  );
  return true;
}

async function renewing<T>(context: CliContext, session: Session, path: string, work: () => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const renewal = (async () => {
    for (;;) {
      await context.sleep(renewalInterval, ended.signal);
      await session.request('write', path, { ttl });
    }
    // Somebody broke the lock, or the server is away: the apply will say so.
  })().catch(() => undefined);
  try {
    return await work();
  } finally {
    ended.abort();
    await renewal;
  }
}

async function committed<T>(apply: Promise<T>): Promise<T> {
  try {
    return await apply;
  } catch (error) {
    // A server that answers in time "not in time" goes on with what it was asked.
    const unknown =
      error instanceof RequestError ? error.status === 504 : error instanceof Fault && error.code === 'outcome-unknown';
    if (!unknown) throw error;
    const reason = (error as Error).message.split('; ')[0] ?? '';
    throw new Fault('outcome-unknown', `${reason}; the apply may be committed, as a whole, or not at all`, {
      hint: 'Whether it was, this shows: secretctl plan',
      cause: error,
    });
  }
}

const manyChanges = 500;

function noteLength({ terminal, json }: CliContext, { changes }: ApplyBody): void {
  if (!json && terminal.interactive && changes.length >= manyChanges) terminal.err(`Committing ${changes.length} changes…\n`);
}

/** For the others, who want to know whom to ask. */
function whoAmI({ env }: CliContext): string {
  const user = env.USER ?? env.LOGNAME ?? '';
  const text = `${user === '' ? '' : `${user}@`}${hostname()}`;
  return text.replaceAll(/\p{C}/gu, '').slice(0, 128);
}
