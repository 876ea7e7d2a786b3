import { Fault } from '../base/error.ts';
import type { CliContext } from './context.ts';

/**
 * Asks a person before something that can't be taken back; only "yes" goes on. Throws Fault `declined` for any other
 * answer, `cancelled` on Ctrl-C, and `not-interactive` with `otherwise` (what to do instead) where nobody can be asked.
 */
export async function confirm(context: CliContext, question: string, otherwise = 'Give -auto-approve.'): Promise<void> {
  const { terminal } = context;
  if (!terminal.interactive)
    throw new Fault('not-interactive', 'there is nobody to approve this: standard input is no terminal', { hint: otherwise });
  const answer = await terminal.ask(`\n${question}\n  Only "yes" is accepted to approve.\n\n  Enter a value: `);
  if (answer.trim() !== 'yes') throw new Fault('declined', 'Cancelled. Nothing was changed.');
}
