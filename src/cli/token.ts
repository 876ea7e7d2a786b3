import { Fault } from '../base/error.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { Reply } from '../protocol/reply.ts';
import { type Command, type Option, type Options, targetOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { confirm } from './confirm.ts';
import { asText } from './files.ts';
import { authTable, inOrder, keyValues, printField, printJson, printWarnings, wireReply } from './output.ts';
import { apiPath, pairs, printWrapped, replyOptions, wrapping } from './session-command.ts';
import { type Session, withSession } from './session.ts';

const accessor: Record<string, Option> = { accessor: { type: 'flag', description: 'The operand is an accessor, not a token.' } };
const fromInput = 'Other users of the machine can see command lines: with - the token is asked for, or read from standard input.';

function tokenCommand(
  command: Omit<Command, 'run'>,
  work: (
    context: CliContext,
    session: Session,
    operand: string | undefined,
    options: Options,
    operands: readonly string[],
  ) => Promise<number>,
): Command {
  return {
    ...command,
    options: { ...command.options, ...targetOptions },
    async run(context, operands, options) {
      const given: string[] = [];
      for (const operand of operands) given.push(operand === '-' ? await readToken(context) : operand);
      return withSession(context, options, command.path, (session) => work(context, session, given[0], options, given));
    },
  };
}

/** A token that stands in no command line: asked for unseen, or read from standard input. */
async function readToken(context: CliContext): Promise<string> {
  const { terminal } = context;
  const text = terminal.interactive
    ? await terminal.ask('Token: ', { hidden: true })
    : asText(await terminal.input(4096), 'standard input');
  return text.trim();
}

function showAuth(context: CliContext, reply: Reply, field: string | undefined): number {
  printWarnings(context, reply);
  const wrapped = printWrapped(context, reply, field);
  if (wrapped !== null) return wrapped;
  const { auth } = reply;
  if (auth === undefined || auth === null) throw new Fault('request-failed', 'the reply holds no token');
  const data = authTable(auth);
  if (field !== undefined) return printField(context, data, field);
  if (context.json) printJson(context, wireReply(reply));
  else context.terminal.out(inOrder(data));
  return 0;
}

export const create = tokenCommand(
  {
    path: ['token', 'create'],
    summary: 'Make a token',
    operands: '',
    arity: { min: 0, max: 0 },
    description: 'Makes a child of the calling token. It is revoked with its parent unless -orphan is given.',
    examples: [
      { command: 'secretctl token create -policy=payments-read -ttl=1h', explanation: 'A token that may read for an hour.' },
      { command: 'secretctl token create -role=ci -field=token', explanation: 'By a token role; only the token is printed.' },
    ],
    options: {
      policy: {
        type: 'list',
        value: 'NAME',
        description: 'A policy; can be given several times (default: those of the calling token).',
      },
      ttl: { type: 'text', value: 'DURATION', description: 'How long it lives, unless renewed.' },
      'explicit-max-ttl': { type: 'text', value: 'DURATION', description: 'How long it lives at most, whatever renewals.' },
      period: {
        type: 'text',
        value: 'DURATION',
        description: 'A periodic token: it lives for as long as it is renewed in time.',
      },
      'use-limit': { type: 'number', value: 'N', description: 'How many requests it is good for (0: any number).' },
      renewable: { type: 'flag', description: 'Can be renewed (the default; -renewable=false: not).' },
      orphan: { type: 'flag', description: 'Without a parent (needs sudo).' },
      'no-default-policy': { type: 'flag', description: 'Without the policy "default".' },
      'display-name': { type: 'text', value: 'NAME', description: 'For people and the audit log.' },
      metadata: { type: 'list', value: 'KEY=VALUE', description: 'Kept with the token; can be given several times.' },
      role: { type: 'text', value: 'NAME', description: 'Make it by a token role.' },
      type: { type: 'text', value: 'service|batch', description: 'The type of the token.' },
      id: { type: 'text', value: 'TOKEN', description: 'The token itself, instead of a random one (root only; - asks for it).' },
      'entity-alias': {
        type: 'text',
        value: 'NAME',
        description: 'With -role: the entity whose alias has this name is behind the token.',
      },
      ...replyOptions,
    },
  },
  async (context, session, _operand, options) => {
    const body: Record<string, Json> = {};
    const policies = options.list('policy');
    // A variable that was not set must not give a token other policies than were meant.
    if (policies.some((name) => name.trim() === '')) throw new Fault('usage', '-policy is empty');
    if (policies.length > 0) body.policies = policies;
    for (const [option, name] of [
      ['ttl', 'ttl'],
      ['explicit-max-ttl', 'explicit_max_ttl'],
      ['period', 'period'],
      ['display-name', 'display_name'],
      ['type', 'type'],
      ['entity-alias', 'entity_alias'],
    ] as const) {
      const value = options.text(option);
      if (value !== undefined) body[name] = value;
    }
    const id = options.text('id');
    if (id !== undefined) body.id = id === '-' ? await readToken(context) : id;
    if (options.number('use-limit') !== undefined) body.num_uses = options.number('use-limit') ?? 0;
    if (options.given('renewable')) body.renewable = options.flag('renewable');
    if (options.flag('no-default-policy')) body.no_default_policy = true;
    if (options.flag('orphan')) body.no_parent = true;
    const metadata = pairs(options, 'metadata');
    if (Object.keys(metadata).length > 0) body.meta = metadata;
    const role = options.text('role');
    return showAuth(
      context,
      await session.request(
        'write',
        role === undefined ? 'auth/token/create' : `auth/token/create/${role}`,
        body,
        wrapping({ context, options }),
      ),
      options.text('field'),
    );
  },
);

export const lookup = tokenCommand(
  {
    path: ['token', 'lookup'],
    summary: 'Show what a token is and may',
    operands: '[TOKEN|ACCESSOR|-]',
    arity: { min: 0, max: 1 },
    description: `Shows a token: policies, TTL, uses. Without an operand the calling token. ${fromInput}`,
    examples: [
      { command: 'secretctl token lookup', explanation: 'The calling token.' },
      { command: 'secretctl token lookup -accessor 8kYQ…', explanation: 'Another one, without knowing it.' },
    ],
    options: accessor,
  },
  async (context, session, operand, options) => {
    const reply =
      operand === undefined
        ? await session.request('read', 'auth/token/lookup-self')
        : await session.request(
            'write',
            options.flag('accessor') ? 'auth/token/lookup-accessor' : 'auth/token/lookup',
            options.flag('accessor') ? { accessor: operand } : { token: operand },
          );
    // The token itself is no news to whoever asks, and would stand in every log that keeps this output.
    const data = Object.fromEntries(Object.entries(reply.data ?? {}).filter(([name]) => name !== 'id'));
    if (context.json) printJson(context, { ...wireReply(reply), data });
    else context.terminal.out(keyValues(data));
    return 0;
  },
);

export const renew = tokenCommand(
  {
    path: ['token', 'renew'],
    summary: 'Prolong a token',
    operands: '[TOKEN|ACCESSOR|-]',
    arity: { min: 0, max: 1 },
    description: `Prolongs a token, within its maximum. Without an operand the calling token. ${fromInput}`,
    examples: [{ command: 'secretctl token renew -increment=2h', explanation: 'The calling token, for two hours.' }],
    options: { ...accessor, increment: { type: 'text', value: 'DURATION', description: 'For how long, from now.' } },
  },
  async (context, session, operand, options) => {
    const increment = options.text('increment');
    const body: JsonObject = increment === undefined ? {} : { increment };
    if (operand === undefined) return showAuth(context, await session.request('write', 'auth/token/renew-self', body), undefined);
    const target: JsonObject = options.flag('accessor') ? { accessor: operand } : { token: operand };
    return showAuth(
      context,
      await session.request('write', options.flag('accessor') ? 'auth/token/renew-accessor' : 'auth/token/renew', {
        ...body,
        ...target,
      }),
      undefined,
    );
  },
);

export const revoke = tokenCommand(
  {
    path: ['token', 'revoke'],
    summary: 'End a token and those made from it',
    operands: '[TOKEN|ACCESSOR|-]',
    arity: { min: 0, max: 1 },
    description: `Ends a token and every token made from it, at once. ${fromInput} Before a root token ends itself, the command asks.`,
    examples: [
      { command: 'secretctl token revoke -accessor 8kYQ…', explanation: 'By accessor, without knowing the token.' },
      { command: 'secretctl token revoke -self', explanation: 'The calling token.' },
    ],
    options: {
      ...accessor,
      self: { type: 'flag', description: 'The calling token.' },
      mode: {
        type: 'text',
        value: 'orphan|path',
        description:
          'orphan: keep the tokens made from it, as orphans; path: the operand is a path, and all that logins below it gave ends.',
      },
      'auto-approve': { type: 'flag', description: 'Do not ask.' },
    },
  },
  async (context, session, operand, options) => {
    const mode = options.text('mode');
    const byAccessor = options.flag('accessor');
    if (mode !== undefined && mode !== 'orphan' && mode !== 'path') throw new Fault('usage', '-mode is orphan or path');
    if (operand === undefined && !options.flag('self')) throw new Fault('usage', 'token revoke needs a token, or -self');
    if (operand !== undefined && options.flag('self')) throw new Fault('usage', '-self and a token exclude each other');
    if (mode !== undefined && (operand === undefined || byAccessor))
      throw new Fault(
        'usage',
        `-mode=${mode} needs ${mode === 'path' ? 'a path' : 'the token itself'}: it can't be given with ${byAccessor ? '-accessor' : '-self'}`,
      );
    if (operand === undefined) {
      await confirmLastRoot(context, session, options);
      await session.request('write', 'auth/token/revoke-self');
    } else if (mode === 'path')
      await session.request('write', `sys/leases/revoke-prefix/${apiPath(operand).replace(/\/+$/, '')}`);
    else if (byAccessor) await session.request('write', 'auth/token/revoke-accessor', { accessor: operand });
    else await session.request('write', mode === 'orphan' ? 'auth/token/revoke-orphan' : 'auth/token/revoke', { token: operand });
    context.terminal.out(context.json ? '{}\n' : 'Success! Revoked token (if it existed)\n');
    return 0;
  },
);

/** Nothing but the holders of the shares makes a new root token: whoever ends the only one is locked out. */
async function confirmLastRoot(context: CliContext, session: Session, options: Options): Promise<void> {
  if (options.flag('auto-approve')) return;
  const shown = await session.read('auth/token/lookup-self').catch(() => null);
  const policies = Array.isArray(shown?.policies) ? (shown.policies as readonly string[]) : [];
  if (!policies.includes('root')) return;
  await session.apart(() =>
    confirm(
      context,
      'This is a root token. Where it is the only one, a new one needs a server and the holders of its shares. Do you want to end it, with every token made from it?',
    ),
  );
}

export const capabilities = tokenCommand(
  {
    path: ['token', 'capabilities'],
    summary: 'Show what a token may do on a path',
    operands: '[TOKEN|ACCESSOR|-] PATH',
    arity: { min: 1, max: 2 },
    description: 'Shows the capabilities of a token on a path of the API. Without a token those of the calling one.',
    examples: [
      { command: 'secretctl token capabilities kv/data/app/db', explanation: 'May I read this secret?' },
      { command: 'secretctl token capabilities -accessor 8kYQ… sys/policies/acl/ci', explanation: 'May another one?' },
    ],
    options: accessor,
  },
  async (context, session, _operand, options, operands) => {
    const path = apiPath(operands.at(-1) ?? '');
    const [holder] = operands;
    const byAccessor = options.flag('accessor');
    if (byAccessor && operands.length === 1) throw new Fault('usage', 'with -accessor an accessor and a path are needed');
    const reply =
      operands.length === 1
        ? await session.request('write', 'sys/capabilities-self', { paths: [path] })
        : await session.request('write', byAccessor ? 'sys/capabilities-accessor' : 'sys/capabilities', {
            ...(byAccessor ? { accessor: holder ?? '' } : { token: holder ?? '' }),
            paths: [path],
          });
    const granted = (reply.data?.[path] ?? reply.data?.capabilities ?? []) as readonly string[];
    if (context.json) printJson(context, granted);
    else context.terminal.out(`${granted.join(', ')}\n`);
    return 0;
  },
);
