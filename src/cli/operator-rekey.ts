import type { Json, JsonObject } from '../base/json.ts';
import { Fault } from '../base/error.ts';
import { type Command, type Options, targetOptions } from './command.ts';
import { confirm } from './confirm.ts';
import type { CliContext, SealStatus } from './context.ts';
import { bare, readKey } from './operator-unseal.ts';
import { inOrder, printJson } from './output.ts';
import { type Session, withSession } from './session.ts';
import { success } from './session-command.ts';

export const rekey: Command = {
  path: ['operator', 'rekey'],
  summary: 'Make a new root key, and new shares for it',
  operands: '[SHARE|-]',
  arity: { min: 0, max: 1 },
  description:
    'Makes a new root key and, under a Shamir seal, new shares; the old ones are worth nothing from then on.\n' +
    'A store that no server owns is rekeyed at once; asks first unless -auto-approve is given. ' +
    'On a server one person begins with -init, then the holders of the present shares give theirs one by one, and the last one is shown the new shares. With -verify they count only when as many of the new ones were given back with -verify.',
  examples: [
    { command: 'secretctl operator rekey -shares 5 -threshold 3', explanation: 'New shares, after somebody left the team.' },
    { command: 'secretctl operator rekey -init -key-shares=5 -key-threshold=3 -verify', explanation: 'Begin, on a server.' },
    { command: 'secretctl operator rekey', explanation: 'Give a share, on a server.' },
  ],
  options: {
    ...targetOptions,
    shares: { type: 'number', value: 'N', description: 'How many shares (default: as before).' },
    threshold: { type: 'number', value: 'M', description: 'How many of them open the store (default: as before).' },
    'key-shares': { type: 'number', value: 'N', description: 'The same as -shares.' },
    'key-threshold': { type: 'number', value: 'M', description: 'The same as -threshold.' },
    init: { type: 'flag', description: 'On a server: begin.' },
    verify: { type: 'flag', description: 'With -init: the new shares must be given back. Later: give one back.' },
    target: { type: 'text', value: 'barrier|recovery', description: 'On a server: whose shares are replaced (default barrier).' },
    nonce: { type: 'text', value: 'ID', description: 'On a server: the attempt that is meant (default: the present one).' },
    status: { type: 'flag', description: 'On a server: show how far it has come.' },
    cancel: { type: 'flag', description: 'On a server: end the attempt.' },
    'auto-approve': { type: 'flag', description: 'Do not ask.' },
  },
  run: (context, [operand], options) =>
    withSession(context, options, ['operator', 'rekey'], async (session) => {
      const { store } = session.connection;
      if (store === null) return ceremony(context, session, options, operand);
      const [given] = ['init', 'verify', 'target', 'nonce', 'status', 'cancel'].filter((name) => options.given(name));
      if (given !== undefined || operand !== undefined)
        throw new Fault('usage', `${given === undefined ? 'a share' : `-${given}`} is for a server, and none owns this store`, {
          hint: 'A store that no server owns is rekeyed at once: secretctl operator rekey',
        });
      return rekeyStore(context, session, store.seal, options);
    }),
};

function numbers(options: Options) {
  return {
    shares: options.number('key-shares') ?? options.number('shares'),
    threshold: options.number('key-threshold') ?? options.number('threshold'),
  };
}

async function rekeyStore(context: CliContext, session: Session, seal: SealStatus, options: Options): Promise<number> {
  const { terminal } = context;
  const shamir = seal.type === 'shamir';
  const { shares, threshold } = numbers(options);
  if (!shamir && (shares !== undefined || threshold !== undefined))
    throw new Fault('usage', '-shares and -threshold belong to a Shamir seal, and this store has a key file');
  if (!options.flag('auto-approve'))
    await session.apart(() =>
      confirm(
        context,
        `Do you want to replace the ${shamir ? 'shares' : 'seal key'}? The present ${shamir ? 'ones are' : 'one is'} worth nothing afterwards.`,
      ),
    );
  // The corridor says whether the caller may, and the audit log knows of it before anything happens.
  await session.request('write', 'sys/seal/rekey');
  await session.connection.store?.rekey({ shares, threshold }, (made) => {
    if (context.json) printJson(context, { shares: made });
    else if (shamir)
      terminal.out(
        `The new shares are shown once and stored nowhere:\n\n${made.map((share, index) => `  Share ${index + 1}: ${share}\n`).join('')}\n`,
      );
    return Promise.resolve();
  });
  if (!context.json)
    terminal.out(
      shamir
        ? 'Success! Only the new shares open the store now.\n'
        : 'Success! The root key and the key in the seal key file were replaced. Keep a copy of the new file in a safe place.\n',
    );
  return 0;
}

/** One step of the rekey of a server. */
async function ceremony(context: CliContext, session: Session, options: Options, operand: string | undefined): Promise<number> {
  const target = options.text('target') ?? 'barrier';
  if (target !== 'barrier' && target !== 'recovery') throw new Fault('usage', '-target is barrier or recovery');
  const api = target === 'barrier' ? 'sys/rekey' : 'sys/rekey-recovery-key';
  const verifying = options.flag('verify');
  const ask = (operation: 'read' | 'write' | 'delete', path: string, data: JsonObject = {}) =>
    bare(session.request(operation, `${api}/${path}`, data, { tokenIfAny: true }));
  const part = verifying && !options.flag('init') ? 'verify' : 'init';
  if (options.flag('cancel')) {
    await ask('delete', part);
    return success(context, 'The attempt is ended (if there was one).');
  }
  if (options.flag('init')) {
    const { shares, threshold } = numbers(options);
    const count = shares ?? 5;
    return show(
      context,
      await ask('write', 'init', {
        secret_shares: count,
        secret_threshold: threshold ?? Math.min(3, count),
        ...(verifying ? { require_verification: true } : {}),
      }),
    );
  }
  const present = await ask('read', part);
  if (options.flag('status')) return show(context, present);
  if (present.started !== true)
    throw new Fault('usage', 'no rekey is under way', { hint: 'Begin with: secretctl operator rekey -init' });
  const key = await readKey(context, operand, verifying ? 'New share: ' : 'Share: ');
  const nonce = options.text('nonce') ?? present.nonce ?? '';
  return show(context, await ask('write', verifying ? 'verify' : 'update', { key, nonce }));
}

const rows: readonly (readonly [string, string])[] = [
  ['nonce', 'Nonce'],
  ['started', 'Started'],
  ['progress', 'Rekey Progress'],
  ['complete', 'Complete'],
  ['n', 'New Shares'],
  ['t', 'New Threshold'],
  ['verification_required', 'Verification Required'],
  ['verification_nonce', 'Verification Nonce'],
];

function show(context: CliContext, state: JsonObject): number {
  if (context.json) {
    printJson(context, state);
    return 0;
  }
  const { terminal } = context;
  const shares = Array.isArray(state.keys_base64) ? (state.keys_base64 as readonly string[]) : [];
  shares.forEach((share, index) => terminal.out(`Key ${index + 1}: ${share}\n`));
  if (shares.length > 0) {
    terminal.out('\nThese shares are shown once and stored nowhere; give each to another person.\n');
    terminal.out(
      state.verification_required === true
        ? `They count when enough of them were given back: secretctl operator rekey -verify -nonce=${String(state.verification_nonce)}\n`
        : 'Only they count from now on.\n',
    );
    return 0;
  }
  const shown: Record<string, Json> = {};
  for (const [name, title] of rows) {
    const value = state[name];
    if (value === undefined || value === '' || (value === 0 && name !== 'progress')) continue;
    shown[title] = name === 'progress' ? `${String(value)}/${String(state.required ?? state.t)}` : value;
  }
  terminal.out(inOrder(shown));
  return 0;
}
