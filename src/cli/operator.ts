import { Fault } from '../base/error.ts';
import { type Command, targetOptions } from './command.ts';
import { printJson } from './output.ts';
import { status as anyStatus } from './status.ts';
import { type Session, withSession } from './session.ts';
import type { CliContext } from './context.ts';
import type { JsonObject } from '../base/json.ts';
import { RequestError } from '../protocol/request-error.ts';

export const status: Command = {
  ...anyStatus,
  path: ['operator', 'status'],
  summary: 'Show the seal and the keys of a store (as status)',
  examples: [{ command: 'secretctl operator status', explanation: 'Is the store sealed, and by what?' }],
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
