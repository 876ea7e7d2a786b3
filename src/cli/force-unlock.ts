import { confirm } from './confirm.ts';
import { type Command } from './command.ts';
import { Fault } from '../base/error.ts';
import { sessionCommand, success } from './session-command.ts';

export const forceUnlock: Command = sessionCommand(
  {
    path: ['force-unlock'],
    summary: 'End the apply lock of somebody else',
    operands: 'ID',
    arity: { min: 1, max: 1 },
    description:
      'Ends the apply lock, so that others may apply; the apply of whoever holds it is refused then. Locks of who died expire within minutes: break one only where its holder can’t be asked. ' +
      'The id stands in the refusal that the lock caused, and in secretctl status. Asks first unless -auto-approve is given.',
    examples: [{ command: 'secretctl force-unlock 4f1c0a6e-…', explanation: 'The lock that stands in the way.' }],
    options: { 'auto-approve': { type: 'flag', description: 'Do not ask.' } },
  },
  async ({ context, session, operands, options }) => {
    const [id = ''] = operands;
    const lock = await session.read('sys/managed/lock');
    if (lock?.id !== id)
      throw new Fault('usage', lock === null ? 'nobody holds the apply lock' : 'the apply lock that is held has another id', {
        hint: lock === null ? 'There is nothing to break.' : 'See: secretctl status',
      });
    if (!options.flag('auto-approve'))
      await session.apart(() =>
        confirm(
          context,
          `${String(lock.who)} (${String(lock.command)}) has held the apply lock since ${String(lock.created)}. Do you want to break it? Their apply will be refused.`,
        ),
      );
    await session.request('write', 'sys/managed/force-unlock', { id });
    return success(context, 'The apply lock is free.');
  },
);
