import { isJsonObject, type JsonObject } from '../base/json.ts';
import { Fault } from '../base/error.ts';
import type { Command } from './command.ts';
import { confirm } from './confirm.ts';
import { keyValues, printJson, printWarnings, wireReply } from './output.ts';
import { sessionCommand, success } from './session-command.ts';

/** The status of an answer to what is not done yet. */
const queued = 202;

export const lookup: Command = sessionCommand(
  {
    path: ['lease', 'lookup'],
    summary: 'Show a lease',
    operands: 'LEASE_ID',
    arity: { min: 1, max: 1 },
    description: 'Shows when a lease was issued, when it ends, and whether it can be renewed.',
    examples: [{ command: 'secretctl lease lookup database/creds/app/2f6a…', explanation: 'How long does it last?' }],
    options: {},
  },
  async ({ context, session, operands: [id = ''] }) => {
    const reply = await session.request('write', 'sys/leases/lookup', { lease_id: id });
    if (context.json) printJson(context, wireReply(reply));
    else context.terminal.out(keyValues(reply.data ?? {}));
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
    else
      context.terminal.out(
        keyValues({
          lease_id: reply.leaseId ?? id,
          lease_duration: `${reply.leaseDuration ?? 0}s`,
          lease_renewable: reply.renewable ?? false,
          ...(isJsonObject(reply.data) ? reply.data : {}),
        }),
      );
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
      'Ends a lease: what it gave works no more. With -prefix all leases below a path, with -force also where the target refuses, which may leave credentials behind; both ask first unless -auto-approve is given.',
    examples: [
      { command: 'secretctl lease revoke database/creds/app/2f6a…', explanation: 'One lease.' },
      { command: 'secretctl lease revoke -prefix database/creds/app', explanation: 'All that a role gave.' },
    ],
    options: {
      prefix: { type: 'flag', description: 'The operand is a prefix: all leases below it.' },
      force: { type: 'flag', description: 'With -prefix: forget leases whose target can’t be reached.' },
      sync: {
        type: 'flag',
        description: 'Ask other servers of the API to wait until it is done; the answer says whether it is.',
      },
      'auto-approve': { type: 'flag', description: 'Do not ask.' },
    },
  },
  async ({ context, session, operands: [id = ''], options }) => {
    const sync = options.flag('sync');
    if (options.flag('force') && !options.flag('prefix')) throw new Fault('usage', '-force needs -prefix');
    if (!options.flag('prefix')) {
      const { status } = await session.request('write', 'sys/leases/revoke', { lease_id: id, sync });
      return success(context, status === queued ? 'The revocation of the lease is queued.' : 'The lease is revoked.');
    }
    const prefix = id.replace(/^\/+|\/+$/g, '');
    if (!options.flag('auto-approve'))
      await session.apart(() => confirm(context, `Do you want to revoke every lease below ${prefix}/?`));
    const force = options.flag('force');
    const path = `sys/leases/${force ? 'revoke-force' : 'revoke-prefix'}/${prefix}`;
    const { status } = await session.request('write', path, force ? {} : { sync });
    const below = `leases below ${prefix}/`;
    return success(context, status === queued ? `The revocation of all ${below} is queued.` : `All ${below} are revoked.`);
  },
);
