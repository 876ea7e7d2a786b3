import { randomText } from '../base/random.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { Fault } from '../base/error.ts';
import type { Command } from './command.ts';
import { targetOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { inOrder, printJson } from './output.ts';
import { bare, readKey, withServer } from './operator-unseal.ts';
import { sessionOf } from './session.ts';
import { success } from './session-command.ts';

const attempt = 'sys/generate-root/attempt';

export const generateRoot: Command = {
  path: ['operator', 'generate-root'],
  summary: 'Make a new root token, by those who hold the shares',
  operands: '[SHARE|-]',
  arity: { min: 0, max: 1 },
  description:
    'Makes a new root token where there is none any more. One person begins with -init and keeps the one-time password that it prints; then the holders of the shares give theirs one by one; the last one is shown the token, encoded. Who has the password decodes it with -decode.',
  examples: [
    { command: 'secretctl operator generate-root -init', explanation: 'Begin.' },
    { command: 'secretctl operator generate-root', explanation: 'Give a share.' },
    { command: 'secretctl operator generate-root -decode=… -otp=…', explanation: 'The token itself.' },
  ],
  options: {
    init: { type: 'flag', description: 'Begin.' },
    otp: { type: 'text', value: 'TEXT', description: 'With -init or -decode: the one-time password.' },
    'generate-otp': { type: 'flag', description: 'Print a one-time password for -init.' },
    decode: { type: 'text', value: 'TEXT', description: 'Decode the encoded token (- reads it from standard input).' },
    nonce: { type: 'text', value: 'ID', description: 'The attempt that is meant (default: the present one).' },
    status: { type: 'flag', description: 'Show how far it has come.' },
    cancel: { type: 'flag', description: 'End the attempt.' },
    ...targetOptions,
  },
  async run(context, [operand], options) {
    const encoded = options.text('decode');
    const otp = options.text('otp');
    if (encoded !== undefined)
      return decode(context, encoded === '-' ? await readKey(context, '-', 'Encoded token: ') : encoded, otp);
    return withServer(context, options, ['operator', 'generate-root'], async (connection) => {
      const session = sessionOf(context, connection);
      const ask = (operation: 'read' | 'write' | 'delete', path: string, data: JsonObject = {}) =>
        bare(session.request(operation, path, data, { tokenIfAny: true }));
      if (options.flag('generate-otp')) {
        const { otp_length: length } = await ask('read', attempt);
        context.terminal.out(`${randomText(context.random, Number(length ?? 26))}\n`);
        return 0;
      }
      if (options.flag('cancel')) {
        await ask('delete', attempt);
        return success(context, 'The attempt is ended (if there was one).');
      }
      if (options.flag('init')) return show(context, await ask('write', attempt, otp === undefined ? {} : { otp }));
      const present = await ask('read', attempt);
      if (options.flag('status')) return show(context, present);
      if (present.started !== true)
        throw new Fault('usage', 'no attempt is under way', { hint: 'Begin with: secretctl operator generate-root -init' });
      const key = await readKey(context, operand, 'Share: ');
      const nonce = options.text('nonce') ?? present.nonce ?? '';
      return show(context, await ask('write', 'sys/generate-root/update', { key, nonce }));
    });
  },
};

const rows: readonly (readonly [string, string])[] = [
  ['nonce', 'Nonce'],
  ['started', 'Started'],
  ['progress', 'Progress'],
  ['complete', 'Complete'],
  ['otp', 'OTP'],
  ['otp_length', 'OTP Length'],
  ['encoded_token', 'Encoded Token'],
];

function show(context: CliContext, state: JsonObject): number {
  if (context.json) printJson(context, state);
  else {
    const shown: Record<string, Json> = {};
    for (const [name, title] of rows) {
      const value = state[name];
      if (value === undefined || value === '' || (value === 0 && name !== 'progress')) continue;
      shown[title] = name === 'progress' ? `${String(value)}/${String(state.required)}` : value;
    }
    context.terminal.out(inOrder(shown));
  }
  return 0;
}

/** The token is the encoded one, each byte combined with that of the password. */
function decode(context: CliContext, encoded: string, otp: string | undefined): number {
  if (otp === undefined) throw new Fault('usage', '-decode needs -otp=TEXT');
  const bytes = Buffer.from(encoded.trim(), 'base64');
  const password = Buffer.from(otp);
  if (bytes.byteLength !== password.byteLength || bytes.byteLength === 0)
    throw new Fault('usage', 'the encoded token and the one-time password do not belong together');
  const token = Buffer.from(bytes.map((byte, index) => byte ^ (password[index] ?? 0))).toString('latin1');
  if (context.json) printJson(context, { token });
  else context.terminal.out(`${token}\n`);
  return 0;
}
