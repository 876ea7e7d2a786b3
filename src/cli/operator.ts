import { Fault } from '../base/error.ts';
import { type Command, targetOptions } from './command.ts';
import { confirm } from './confirm.ts';
import { init as initCommand } from './init.ts';
import { keyValues, printJson } from './output.ts';
import { openOptions } from './connection.ts';
import { type Session, withSession } from './session.ts';
import type { CliContext } from './context.ts';
import type { JsonObject } from '../base/json.ts';
import { RequestError } from '../protocol/request-error.ts';

export const init: Command = {
  ...initCommand,
  path: ['operator', 'init'],
  summary: 'Make the store of a workspace (as init)',
  operands: '[DIR]',
  arity: { min: 0, max: 1 },
  examples: [{ command: 'secretctl operator init', explanation: 'A store for the workspace in this directory.' }],
};

export const status: Command = {
  path: ['operator', 'status'],
  summary: 'Show the seal and the keys of the store',
  operands: '',
  arity: { min: 0, max: 0 },
  description: 'Shows the seal and, where the store can be unsealed, its keys. Needs no token. Exit code 2: sealed.',
  examples: [{ command: 'secretctl operator status', explanation: 'Is the store sealed, and by what?' }],
  options: targetOptions,
  async run(context, _operands, options) {
    const store = await (await context.stores()).examine(openOptions(context, options, ['operator', 'status']));
    const shown = {
      store_id: store.storeId,
      seal_type: store.seal.type,
      sealed: store.unsealed === null,
      ...(store.seal.type === 'shamir' ? { shares: store.seal.shares, threshold: store.seal.threshold } : {}),
      ...(store.unsealed === null
        ? {}
        : {
            key_term: store.unsealed.term,
            key_installed: new Date(store.unsealed.termInstalledAt).toISOString(),
            store_generation: store.unsealed.generation,
            config_revision: store.unsealed.revision,
            audit_anchor: store.unsealed.anchor?.seq ?? 0,
          }),
    };
    if (context.json) printJson(context, shown);
    else context.terminal.out(keyValues(shown));
    return store.unsealed === null ? 2 : 0;
  },
};

export const rotate: Command = {
  path: ['operator', 'rotate'],
  summary: 'Rotate the encryption keys and re-encrypt what older ones cover',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Adds a term to the keyring and a generation to the data key of every mount, then re-encrypts the store in small steps. ' +
    'It may be interrupted: the next rotation, or operator rotate -rewrap-only, goes on. ' +
    'With -recipient it adds a generation to the key for which values in git are sealed instead; older blocks stay readable until encrypt -rewrap has run over the repo.',
  examples: [
    { command: 'secretctl operator rotate', explanation: 'New keys, everything re-encrypted.' },
    { command: 'secretctl operator rotate -recipient', explanation: 'A new public key for sealed values.' },
  ],
  options: {
    ...targetOptions,
    recipient: { type: 'flag', description: 'Rotate the key for sealed values instead.' },
    'rewrap-only': { type: 'flag', description: 'Make no new keys; finish re-encrypting.' },
  },
  run: (context, _operands, options) =>
    withSession(context, options, ['operator', 'rotate'], async (session) => {
      const { terminal } = context;
      if (options.flag('recipient') && options.flag('rewrap-only'))
        throw new Fault('usage', '-recipient and -rewrap-only exclude each other', {
          hint: 'What was sealed for an older recipient is sealed anew by: secretctl encrypt -rewrap',
        });
      if (options.flag('recipient')) {
        const reply = await session.request('write', 'sys/recipient/rotate');
        const recipient = String(reply.data?.recipient);
        if (context.json) printJson(context, { recipient });
        else
          terminal.out(
            `New recipient ${recipient}\n\nReplace the old one under spec.recipients of secretctl.yaml, then run: secretctl encrypt -rewrap\n`,
          );
        return 0;
      }
      if (!options.flag('rewrap-only')) await session.request('write', 'sys/rotate');
      const count = await rewrapAll(context, session);
      const status = await session.read('sys/key-status');
      if (context.json) printJson(context, { ...status, rewrapped: count });
      else
        terminal.out(
          `Success! The keys are of term ${String(status?.term)}${count === null ? '' : `; ${count} records were re-encrypted`}.\n`,
        );
      return 0;
    }),
};

/** Has the store encrypt anew what older keys cover, step by step. Returns how many records; null: it can't be asked for. */
async function rewrapAll(context: CliContext, session: Session): Promise<number | null> {
  const { terminal, clock, interrupted } = context;
  let examined = 0;
  let renewed = 0;
  let shown = clock.now();
  for (;;) {
    if (interrupted.aborted)
      throw new Fault(
        'cancelled',
        'Interrupted. The store is whole; some of it is encrypted with older keys still. To go on: secretctl operator rotate -rewrap-only',
      );
    let step: JsonObject;
    try {
      step = (await session.request('write', 'sys/rotate/rewrap')).data ?? {};
    } catch (error) {
      // Other servers of this API encrypt with older keys for as long as a record is not written.
      if (error instanceof RequestError && (error.status === 404 || error.status === 405)) return null;
      throw error;
    }
    examined += Number(step.examined);
    renewed += Number(step.renewed);
    if (step.done === true) return renewed;
    if (context.json || clock.now() - shown < 1000) continue;
    shown = clock.now();
    terminal.err(`Re-encrypting: ${examined} records\n`);
  }
}

export const rekey: Command = {
  path: ['operator', 'rekey'],
  summary: 'Make a new root key, and new shares for it',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Makes a new root key and, under a Shamir seal, new shares; the old ones are worth nothing from then on. Asks first unless -auto-approve is given.',
  examples: [
    { command: 'secretctl operator rekey -shares 5 -threshold 3', explanation: 'New shares, after somebody left the team.' },
  ],
  options: {
    ...targetOptions,
    shares: { type: 'number', value: 'N', description: 'How many shares (default: as before).' },
    threshold: { type: 'number', value: 'M', description: 'How many of them open the store (default: as before).' },
    'auto-approve': { type: 'flag', description: 'Do not ask.' },
  },
  run: (context, _operands, options) =>
    withSession(context, options, ['operator', 'rekey'], async (session) => {
      const { terminal } = context;
      const { store } = session.connection;
      if (store === null) throw new Fault('usage', 'TODO');
      const shamir = store.seal.type === 'shamir';
      const shares = options.number('shares');
      const threshold = options.number('threshold');
      if (!shamir && (shares !== undefined || threshold !== undefined))
        throw new Fault('usage', '-shares and -threshold belong to a Shamir seal, and this store has a key file');
      if (!options.flag('auto-approve'))
        await confirm(
          context,
          `Do you want to replace the ${shamir ? 'shares' : 'seal key'}? The present ${shamir ? 'ones are' : 'one is'} worth nothing afterwards.`,
        );
      // The corridor says whether the caller may, and the audit log knows of it before anything happens.
      await session.request('write', 'sys/seal/rekey');
      await store.rekey({ shares, threshold }, (made) => {
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
    }),
};
