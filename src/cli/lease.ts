import { isJsonObject, type JsonObject } from '../base/json.ts';
import { Fault } from '../base/error.ts';
import { shellWord } from '../base/shell-word.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Command } from './command.ts';
import { confirm } from './confirm.ts';
import type { CliContext } from './context.ts';
import { clientDuration, keyValues, leasedValues, nothing, plain, printJson, printWarnings, table, wireReply } from './output.ts';
import type { Session } from './session.ts';
import { sessionCommand, success } from './session-command.ts';

/** The status of an answer to what is not done yet. */
const queued = 202;

export const list: Command = sessionCommand(
  {
    path: ['lease', 'list'],
    summary: 'List leases, or those that could not be ended',
    operands: '[PREFIX]',
    arity: { min: 0, max: 1 },
    description:
      'Lists what lies right below a prefix of lease ids: folders end in a slash. With -failing all leases below it that could not be ended, with the reason and the time of the next try: what they gave still works. With -irrevocable those of them that were tried so often that it is done only once a day now. Needs sudo. Exit code 2: there is nothing.',
    examples: [
      { command: 'secretctl lease list database/creds/app', explanation: 'The leases of a role.' },
      { command: 'secretctl lease list -failing', explanation: 'Whose users are still there, and why.' },
      { command: 'secretctl lease list -irrevocable database', explanation: 'What has to be looked at by a person.' },
    ],
    options: {
      failing: { type: 'flag', description: 'Those that could not be ended, with the reason.' },
      irrevocable: { type: 'flag', description: 'Those that could not be ended for long, with the reason.' },
    },
  },
  async ({ context, session, operands: [operand = ''], options }) => {
    const prefix = operand.replace(/^\/+|\/+$/g, '');
    const type = options.flag('irrevocable') ? 'irrevocable' : options.flag('failing') ? 'failing' : null;
    if (type !== null) return listUnended(context, session, type, prefix);
    const keys = await session.list(prefix === '' ? 'sys/leases/lookup' : `sys/leases/lookup/${prefix}`);
    if (keys.length === 0)
      return nothing(context, prefix === '' ? 'There are no leases.' : `There are no leases below ${prefix}/.`);
    if (context.json) printJson(context, keys);
    else
      context.terminal.out(
        table(
          ['Keys'],
          keys.map((key) => [key]),
        ),
      );
    return 0;
  },
);

async function listUnended(context: CliContext, session: Session, type: string, prefix: string): Promise<number> {
  const reply = await session.request('read', 'sys/leases', { type, limit: 'none' });
  const all = (reply.data?.['leases'] ?? []) as readonly {
    readonly lease_id: string;
    readonly error: string;
    readonly what: string | null;
    readonly attempts?: number;
    readonly next_attempt?: string | null;
  }[];
  const leases = all.filter(({ lease_id: id }) => prefix === '' || id === prefix || id.startsWith(`${prefix}/`));
  if (leases.length === 0) return nothing(context, 'There are no leases that could not be ended.');
  if (context.json) printJson(context, leases);
  else
    context.terminal.out(
      table(
        ['Lease', 'Left', 'Tries', 'Next try', 'Reason'],
        leases.map(({ lease_id: id, what, attempts, next_attempt: next, error }) => [
          id,
          what ?? '-',
          String(attempts ?? '-'),
          next ?? 'when it answers',
          error,
        ]),
      ),
    );
  return 0;
}

export const count: Command = sessionCommand(
  {
    path: ['lease', 'count'],
    summary: 'Count the leases of each mount',
    operands: '',
    arity: { min: 0, max: 0 },
    description:
      'Counts leases and tokens by the mounts that gave them; batch and root tokens do not count. Those of a mount that is disabled count until they have ended. With -irrevocable only those that could not be ended.',
    examples: [
      { command: 'secretctl lease count', explanation: 'How many there are.' },
      { command: 'secretctl lease count -irrevocable', explanation: 'How many a person has to look at.' },
    ],
    options: { irrevocable: { type: 'flag', description: 'Only those that could not be ended.' } },
  },
  async ({ context, session, options }) => {
    const type = options.flag('irrevocable') ? 'irrevocable' : 'all';
    const { data } = await session.request('read', 'sys/leases/count', { type });
    if (context.json) printJson(context, data ?? {});
    else {
      const counts = isJsonObject(data?.['counts']) ? data['counts'] : {};
      const rows = Object.keys(counts).sort();
      context.terminal.out(
        table(
          ['Mount', 'Leases'],
          [...rows.map((mount) => [mount, plain(counts[mount] ?? 0)]), ['(all)', plain(data?.['lease_count'] ?? 0)]],
        ),
      );
    }
    return 0;
  },
);

export const tidy: Command = sessionCommand(
  {
    path: ['lease', 'tidy'],
    summary: 'End what is past its time',
    operands: '',
    arity: { min: 0, max: 0 },
    description:
      'Has the background task look at once for leases that are past their time, and try again what could not be ended. It does both by itself, too, in its own time.',
    examples: [{ command: 'secretctl lease tidy', explanation: 'Look now.' }],
    options: {},
  },
  async ({ context, session }) => {
    await session.request('write', 'sys/leases/tidy');
    return success(context, 'What is past its time is being ended, and what could not be ended is tried again.');
  },
);

export const lookup: Command = sessionCommand(
  {
    path: ['lease', 'lookup'],
    summary: 'Show a lease',
    operands: 'LEASE_ID',
    arity: { min: 1, max: 1 },
    description:
      'Shows when a lease was issued, when it ends, and whether it can be renewed; of one that has ended, and whose user could not be removed, why.',
    examples: [{ command: 'secretctl lease lookup database/creds/app/2f6a…', explanation: 'How long does it last?' }],
    options: {},
  },
  async ({ context, session, operands: [id = ''] }) => {
    const reply = await session.request('write', 'sys/leases/lookup', { lease_id: id });
    if (context.json) printJson(context, wireReply(reply));
    else {
      const { ttl, ...lease } = reply.data ?? {};
      context.terminal.out(keyValues({ ...lease, ttl: clientDuration(Number(ttl ?? 0)) }));
    }
    return 0;
  },
);

export const renew: Command = sessionCommand(
  {
    path: ['lease', 'renew'],
    summary: 'Prolong a lease',
    operands: 'LEASE_ID',
    arity: { min: 1, max: 1 },
    description: 'Prolongs a lease, within its maximum.',
    examples: [
      { command: 'secretctl lease renew -increment=1h database/creds/app/2f6a…', explanation: 'For one hour from now.' },
    ],
    options: { increment: { type: 'text', value: 'DURATION', description: 'For how long, from now.' } },
  },
  async ({ context, session, operands: [id = ''], options }) => {
    const increment = options.text('increment');
    const body: JsonObject = { lease_id: id, ...(increment === undefined ? {} : { increment }) };
    const reply = await session.request('write', 'sys/leases/renew', body);
    printWarnings(context, reply);
    if (context.json) printJson(context, wireReply(reply));
    else context.terminal.out(leasedValues({ ...reply, leaseId: reply.leaseId ?? id }, reply.data ?? {}));
    return 0;
  },
);

export const revoke: Command = sessionCommand(
  {
    path: ['lease', 'revoke'],
    summary: 'End a lease, or all below a prefix',
    operands: 'LEASE_ID|PREFIX',
    arity: { min: 1, max: 1 },
    description:
      'Ends a lease: what it gave works no more. With -prefix all leases below a path, with -force also where the target refuses, and what that leaves behind is named; both ask first unless -auto-approve is given.',
    examples: [
      { command: 'secretctl lease revoke database/creds/app/2f6a…', explanation: 'One lease.' },
      { command: 'secretctl lease revoke -sync database/creds/app/2f6a…', explanation: 'And wait until its user is gone.' },
      { command: 'secretctl lease revoke -prefix database/creds/app', explanation: 'All that a role gave.' },
      {
        command: 'secretctl lease revoke -prefix -force database/creds/app',
        explanation: 'The database is gone for good: forget them.',
      },
    ],
    options: {
      prefix: { type: 'flag', description: 'The operand is a prefix: all leases below it.' },
      force: { type: 'flag', description: 'With -prefix: forget leases whose target can’t be reached.' },
      sync: {
        type: 'flag',
        description: 'Wait until what the lease gave is gone, and fail with the reason where it can’t be ended.',
      },
      'auto-approve': { type: 'flag', description: 'Do not ask.' },
    },
  },
  async ({ context, session, operands: [id = ''], options }) => {
    const sync = options.flag('sync');
    if (options.flag('force') && !options.flag('prefix')) throw new Fault('usage', '-force needs -prefix');
    if (!options.flag('prefix')) {
      if (!(await mayBeLease(session, id))) {
        if ((await hasLeases(session, id)) === true) {
          const hint = `To end all below it: secretctl lease revoke -prefix ${shellWord(id)}`;
          throw new Fault('usage', `${id} is no lease, but a path with leases below it`, { hint });
        }
        return nothingToDo(context, `There is no lease ${id}: it has ended already, or there never was one.`);
      }
      const { status } = await session.request('write', 'sys/leases/revoke', { lease_id: id, sync });
      return success(context, status === queued ? 'The revocation of the lease is queued.' : 'The lease is revoked.');
    }
    const prefix = id.replace(/^\/+|\/+$/g, '');
    const force = options.flag('force');
    const question = force
      ? `Do you want to revoke every lease below ${prefix}/, and forget those that can’t be ended? What they gave may go on working.`
      : `Do you want to revoke every lease below ${prefix}/?`;
    if (!options.flag('auto-approve')) await session.apart(() => confirm(context, question));
    if ((await hasLeases(session, prefix)) === false && !(await mayBeLease(session, prefix)))
      return nothingToDo(context, `There are no leases below ${prefix}/.`);
    const path = `sys/leases/${force ? 'revoke-force' : 'revoke-prefix'}/${prefix}`;
    const reply = await session.request('write', path, force ? {} : { sync });
    const { status, data } = reply;
    const below = `leases below ${prefix}/`;
    if (data !== undefined && data !== null) {
      printWarnings(context, reply);
      if (context.json) printJson(context, wireReply(reply));
      else {
        const rest = status === queued ? 'The others are queued.' : 'All others are revoked.';
        context.terminal.out(`${plain(data['left_count'] ?? 0)} of the ${below} left something behind. ${rest}\n`);
      }
      return 0;
    }
    return success(context, status === queued ? `The revocation of all ${below} is queued.` : `All ${below} are revoked.`);
  },
);

function nothingToDo(context: CliContext, text: string): 0 {
  context.terminal.out(context.json ? '{}\n' : `${text}\n`);
  return 0;
}

/** False: there is no lease of this id that stands, or is yet to be ended. Who may not look may still revoke. */
async function mayBeLease(session: Session, id: string): Promise<boolean> {
  try {
    await session.request('write', 'sys/leases/lookup', { lease_id: id });
    return true;
  } catch (error) {
    return !(error instanceof RequestError && error.status === 400);
  }
}

/** Null: nobody tells this token. */
async function hasLeases(session: Session, prefix: string): Promise<boolean | null> {
  try {
    return (await session.list(`sys/leases/lookup/${prefix.replace(/\/+$/, '')}`)).length > 0;
  } catch {
    return null;
  }
}
