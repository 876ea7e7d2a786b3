import { instantText } from '../base/instant.ts';
import { randomUuid } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import { type Fields, readFields } from '../protocol/field.ts';
import type { ApplyLock } from '../protocol/managed.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound, RequestError } from '../protocol/request-error.ts';
import { runOf } from './corridor.ts';
import type { Caller } from './caller.ts';
import type { Route, RouteContext } from './mount-type.ts';

/**
 * The apply lock as stored. It keeps two people from planning against each other: while one of them looks at a plan, no
 * other apply changes what it was made from. What makes an apply safe is its base revision, not this lock: a lock that
 * expired, because its holder died, is nobody's obstacle.
 */
interface Held {
  readonly id: string;
  /** The token that may renew it, release it, and apply under it. */
  readonly tokenId: string;
  readonly displayName: string;
  readonly who: string;
  readonly command: string;
  /** Which process holds it, so that others on its machine can see that it is gone; absent: it does not say. */
  readonly process?: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly expires: number;
}

const place = 'apply/lock';
const defaultTtl = 120;
const longestTtl = 3600;

const ttl = {
  type: 'duration',
  description: 'How long it is held unless renewed (default 2m, at most 1h).',
  default: defaultTtl,
} as const;
const takeFields = {
  who: { type: 'string', description: 'Who works, for the others: user@host.', default: '' },
  command: { type: 'string', description: 'What they do, for the others.', default: '' },
  process: { type: 'string', description: 'Which process holds it, for others on the same machine.', default: '' },
  ttl,
} as const satisfies Fields;
const renewFields = { ttl } as const satisfies Fields;
const breakFields = {
  id: { type: 'string', description: 'The lock that is meant: another one is not broken.', required: true },
} as const satisfies Fields;

/** `sys/managed/lock…` and `sys/managed/force-unlock`: who may apply now. */
export const applyLockRoutes: readonly Route[] = [
  {
    path: 'managed/lock',
    summary: 'The apply lock: who plans and applies now. Nobody else’s apply is committed meanwhile.',
    operations: {
      read: {
        summary: 'Shows it; 404: nobody holds it.',
        handle: async (context) => {
          const held = await current(runOf(context).core, context.now);
          if (held === null) throw notFound();
          return { data: { ...shown(held) } };
        },
      },
      write: { summary: 'Takes it; 409: somebody else holds it.', fields: takeFields, handle: take },
    },
  },
  {
    path: 'managed/lock/:id',
    summary: 'The apply lock that the caller’s own token holds.',
    operations: {
      write: { summary: 'Renews it.', fields: renewFields, handle: renew },
      delete: { summary: 'Releases it.', handle: release },
    },
  },
  {
    path: 'managed/force-unlock',
    summary: 'Ends the apply lock of somebody else: their apply is refused.',
    operations: { write: { summary: 'Breaks it.', fields: breakFields, handle: breakLock } },
  },
];

async function take(context: RouteContext): Promise<Reply> {
  const core = runOf(context).core;
  const body = readFields(takeFields, context.data);
  const present = await current(core, context.now);
  if (present !== null) throw new RequestError(409, `${heldText(present)}; to break it: secretctl force-unlock ${present.id}`);
  const held: Held = {
    id: randomUuid(context.random),
    tokenId: context.caller?.tokenId ?? '',
    displayName: context.caller?.displayName ?? '',
    who: label(body.who, 'who'),
    command: label(body.command, 'command'),
    ...(body.process === '' ? {} : { process: label(body.process, 'process') }),
    created: context.now,
    expires: context.now + milliseconds(body.ttl),
  };
  await core.putJson(place, held);
  return { data: { ...shown(held) } };
}

async function renew(context: RouteContext): Promise<Reply> {
  const held = await own(context);
  const renewed = { ...held, expires: context.now + milliseconds(readFields(renewFields, context.data).ttl) };
  await runOf(context).core.putJson(place, renewed);
  return { data: { ...shown(renewed) } };
}

async function release(context: RouteContext): Promise<Reply> {
  await own(context);
  await runOf(context).core.delete(place);
  return noContent;
}

async function breakLock(context: RouteContext): Promise<Reply> {
  const core = runOf(context).core;
  const { id } = readFields(breakFields, context.data);
  const held = await core.getJson<Held>(place);
  if (held?.id !== id)
    throw new RequestError(409, 'this lock is held no more; who holds one now: secretctl read sys/managed/lock');
  await core.delete(place);
  return { data: { ...shown(held) } };
}

/** The lock of the path, expired or not: until somebody else takes it, its holder may go on. */
async function own(context: RouteContext): Promise<Held> {
  const held = await runOf(context).core.getJson<Held>(place);
  if (held === null || held.id !== context.params.id) throw lost();
  if (held.tokenId !== context.caller?.tokenId) {
    throw new RequestError(409, `another token took this lock; to break it: secretctl force-unlock ${held.id}`);
  }
  return held;
}

/**
 * Called in the transaction of an apply: under the lock that it names, or where nobody holds one. The lock ends with the
 * apply. Throws RequestError 409.
 */
export async function applyUnderLock(core: View, id: string | undefined, caller: Caller | null, now: number): Promise<void> {
  if (id === undefined) {
    const held = await current(core, now);
    if (held !== null)
      throw new RequestError(409, `${heldText(held)}; wait for it, or break it: secretctl force-unlock ${held.id}`);
    return;
  }
  const held = await core.getJson<Held>(place);
  if (held?.id !== id || held.tokenId !== caller?.tokenId) throw lost();
  await core.delete(place);
}

function lost(): RequestError {
  return new RequestError(
    409,
    'the apply lock is not held any more: somebody broke it, or took it after it had expired; plan again',
  );
}

/** Who holds the lock; null: nobody. */
export async function readApplyLock(core: View, now: number): Promise<ApplyLock | null> {
  const held = await current(core, now);
  return held === null ? null : shown(held);
}

async function current(core: View, now: number): Promise<Held | null> {
  const held = await core.getJson<Held>(place);
  return held !== null && held.expires > now ? held : null;
}

function shown({ id, displayName, who, command, process, created, expires }: Held): ApplyLock {
  return {
    id,
    holder: displayName,
    who,
    command,
    ...(process === undefined ? {} : { process }),
    created: instantText(created),
    expires: instantText(expires),
  };
}

function heldText({ displayName, who, command, created, expires }: Held): string {
  const by = who === '' ? `the token "${displayName}"` : `${who} (token "${displayName}")`;
  const what = command === '' ? '' : ` for ${command}`;
  return `the apply lock is held by ${by}${what} since ${instantText(created)}, until ${instantText(expires)} at most`;
}

/** A text that others will see on their terminals. */
function label(text: string, name: string): string {
  if (!/^\P{C}{0,128}$/u.test(text)) throw badRequest(`${name} is at most 128 printable characters`);
  return text;
}

function milliseconds(seconds: number): number {
  if (seconds < 1 || seconds > longestTtl) throw badRequest(`ttl is between 1s and ${longestTtl / 3600}h`);
  return seconds * 1000;
}
