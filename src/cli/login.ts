import { isJsonObject, type JsonObject } from '../base/json.ts';
import { Fault } from '../base/error.ts';
import { nearest } from '../base/nearest.ts';
import { variable } from '../client/variable.ts';
import type { Reply } from '../protocol/reply.ts';
import { RequestError } from '../protocol/request-error.ts';
import { asText } from './files.ts';
import { readBody } from './body.ts';
import { loginKeeper } from './caller-token.ts';
import { type Command, targetOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { authTable, inOrder, printField, printJson, printWarnings, wireReply } from './output.ts';
import { type Session, withSession } from './session.ts';
import { isNameLike } from './shown-word.ts';
import { printWrapped, replyOptions, wrapping } from './session-command.ts';

export const login: Command = {
  path: ['login'],
  summary: 'Log in, and keep the token for the commands after it',
  operands: '[TOKEN|-|KEY=VALUE…]',
  arity: { min: 0, max: 64 },
  description:
    'Logs in by a method and keeps the token: that of a server in ~/.vault-token (mode 0600), where other clients of the API look for it too, or with the program that token_helper in ~/.vault names; that of a store on this machine beside its root token. ' +
    'The method token checks a token that you have; userpass takes username=NAME and asks for the password; approle takes role_id=… and secret_id=…. ' +
    'The others are of other servers of the API: ldap, okta and radius log in as userpass does, jwt, kubernetes, github, cert, azure and gcp send KEY=VALUE as they are. ' +
    'Other users of the machine can see command lines: what is secret is asked for, or read with KEY=- and KEY=@FILE.',
  examples: [
    { command: 'secretctl login', explanation: 'With a token, which is asked for.' },
    { command: 'secretctl login -method=userpass username=ann', explanation: 'By name and password.' },
    {
      command: 'secretctl login -method=approle -token-only role_id=… secret_id=@secret-id',
      explanation: 'For a script: prints the token and keeps nothing.',
    },
  ],
  options: {
    method: {
      type: 'text',
      value: 'METHOD',
      description: 'How to log in: token (default), userpass, approle, or a method of another server.',
    },
    path: { type: 'text', value: 'PATH', description: 'Where the method is mounted (default: its name).' },
    'no-store': { type: 'flag', description: 'Keep the token nowhere.' },
    'no-print': { type: 'flag', description: 'Print nothing of it.' },
    'token-only': { type: 'flag', description: 'Print only the token, and keep it nowhere.' },
    ...replyOptions,
    ...targetOptions,
  },
  async run(context, operands, options) {
    const method = options.text('method') ?? 'token';
    checkMethod(method);
    const path = (options.text('path') ?? method).replace(/^\/+|\/+$/g, '').replace(/^auth\//, '');
    const credentials = await credentialsOf(context, method, operands);
    const ttl = wrapping({ context, options });
    return withSession(context, options, ['login'], async (session) => {
      const reply = await authenticate(session, method, path, credentials, ttl);
      const field = options.flag('token-only') ? 'token' : options.text('field');
      const wrapped = printWrapped(context, reply, options.flag('token-only') ? 'wrapping_token' : field);
      if (wrapped !== null) return wrapped;
      const token = reply.auth?.client_token ?? '';
      if (token === '') throw new Fault('request-failed', 'the reply holds no token');
      const keeper =
        options.flag('no-store') || options.flag('token-only') ? null : loginKeeper(context, session.connection.storeId);
      await keeper?.store(token);
      if (options.flag('no-print')) return 0;
      return show(context, reply, field, keeper?.place ?? null);
    });
  },
};

/** Methods whose login is at the name of a user. */
const byName: readonly string[] = ['userpass', 'ldap', 'okta', 'radius'];
/** Methods that take all they need in the body of a login. */
const byBody: readonly string[] = ['approle', 'jwt', 'kubernetes', 'github', 'cert', 'azure', 'gcp'];

/** Throws Fault `usage` for a method whose login is not known here, before anything is asked or sent. */
function checkMethod(method: string): void {
  const known = ['token', ...byName, ...byBody];
  if (known.includes(method)) return;
  const near = nearest(method, known);
  const name = isNameLike(method) ? ` "${method}"` : '';
  throw new Fault('usage', `login knows no method${name}; it knows: ${known.join(', ')}`, {
    hint:
      near === null
        ? 'Where a method of another name is mounted, say which it is with -method and where with -path. See: secretctl auth list'
        : `Did you mean -method=${near}?`,
  });
}

type Credentials = { readonly token: string } | { readonly body: JsonObject };

async function credentialsOf(context: CliContext, method: string, operands: readonly string[]): Promise<Credentials> {
  if (method === 'token') return { token: await readToken(context, operands) };
  const body = await readBody(context, operands);
  if (byName.includes(method)) {
    if (typeof body.username !== 'string' || body.username === '') throw new Fault('usage', `${method} needs username=NAME`);
    return { body: { ...body, password: await passwordOf(context, body) } };
  }
  return { body };
}

async function readToken({ terminal }: CliContext, operands: readonly string[]): Promise<string> {
  const [operand, ...more] = operands;
  if (more.length > 0) throw new Fault('usage', 'the method token takes one token and nothing more');
  const named = operand?.startsWith('token=') === true ? operand.slice('token='.length) : operand;
  const given =
    named !== undefined && named !== '-'
      ? named
      : terminal.interactive
        ? await terminal.ask('Token: ', { hidden: true })
        : asText(await terminal.input(4096), 'standard input');
  if (given.trim() === '') throw new Fault('usage', 'the token is empty');
  return given.trim();
}

async function passwordOf({ terminal }: CliContext, { password }: JsonObject): Promise<string> {
  if (typeof password === 'string') return password;
  if (terminal.interactive) return terminal.ask('Password: ', { hidden: true });
  throw new Fault('usage', 'there is no password', { hint: 'Give it with password=- from standard input, or password=@FILE.' });
}

async function authenticate(
  session: Session,
  method: string,
  path: string,
  credentials: Credentials,
  { wrapTtl }: { readonly wrapTtl: number | null },
): Promise<Reply> {
  if ('token' in credentials) return knownToken(session, credentials.token);
  const { username, ...rest } = credentials.body;
  const [below, body] = byName.includes(method) ? [`/${String(username)}`, rest] : ['', credentials.body];
  try {
    return await session.request('write', `auth/${path}/login${below}`, body, { token: null, wrapTtl });
  } catch (error) {
    if (error instanceof RequestError && error.status === 403 && error.message === 'permission denied') throw refused(path);
    throw error;
  }
}

/** A server tells nobody who has no token whether there is such a mount. */
function refused(path: string): RequestError {
  const message = `permission denied: login at auth/${path}/`;
  const hint = `Perhaps no auth method is mounted there, or it does not take logins from this address. -path names another one.`;
  return new RequestError(403, message, { cause: new Fault('request-failed', message, { hint }) });
}

/** A token that somebody has already, in the form of a login. */
async function knownToken(session: Session, token: string): Promise<Reply> {
  const { data } = await session.request('read', 'auth/token/lookup-self', {}, { token });
  const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as readonly string[]) : []);
  return {
    auth: {
      client_token: token,
      accessor: typeof data?.accessor === 'string' ? data.accessor : '',
      policies: [...texts(data?.policies), ...texts(data?.identity_policies)],
      token_policies: texts(data?.policies),
      identity_policies: texts(data?.identity_policies),
      metadata: isJsonObject(data?.meta) ? (data.meta as Readonly<Record<string, string>>) : null,
      lease_duration: Number(data?.ttl ?? 0),
      renewable: data?.renewable === true,
      entity_id: typeof data?.entity_id === 'string' ? data.entity_id : '',
      token_type: data?.type === 'batch' ? 'batch' : 'service',
      orphan: data?.orphan === true,
      num_uses: Number(data?.num_uses ?? 0),
    },
  };
}

function show(context: CliContext, reply: Reply, field: string | undefined, place: string | null): number {
  const { auth } = reply;
  if (auth === undefined || auth === null) return 1;
  printWarnings(context, reply);
  if (field !== undefined) return printField(context, authTable(auth), field);
  if (context.json) printJson(context, wireReply(reply));
  else {
    const set = variable(context.env, 'TOKEN');
    if (place !== null && set !== null)
      context.terminal.err(
        `Warning: ${set.origin} is set and counts more than the token of this login. Unset it to use this one.\n`,
      );
    const kept = place === null ? 'It is kept nowhere.' : `The token is kept in ${place}: the commands after this one use it.`;
    context.terminal.out(`Success! You are logged in. ${kept}\n\n${inOrder(authTable(auth))}`);
  }
  return 0;
}
