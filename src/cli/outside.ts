import { Fault } from '../base/error.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { addressText, type ApplyOutcome, type OutsideState } from '../protocol/managed.ts';
import type { CliContext } from './context.ts';
import type { Session } from './session.ts';

type Step = ApplyOutcome['outside'][number];

/** A step that is not done, and how it stands. */
export type StandingStep = Step & OutsideState;

/** Seconds for which `-wait` waits unless told. */
export const longestWait = 600;
const askEvery = 500;

/** What an apply has left to be done outside, one a line. Empty where it is nothing. */
export function outsideSummary({ outside }: Pick<ApplyOutcome, 'outside'>): string {
  return outside.map(({ address, what }) => `  ${addressText(address)}: ${what}\n`).join('');
}

/**
 * Waits until all is done outside that an apply has left to the background, for so many seconds at most, and says how it goes
 * on. Gives what is not done then, or when a step has failed: that is tried again all the same. Throws Fault `cancelled`.
 */
export async function waitOutside(
  context: CliContext,
  session: Session,
  { outside }: Pick<ApplyOutcome, 'outside'>,
  seconds: number,
): Promise<readonly StandingStep[]> {
  const { clock, interrupted, sleep, terminal, json } = context;
  const until = clock.now() + seconds * 1000;
  let told = '';
  for (;;) {
    // Beside a store of its own this process is all the background that there is.
    await session.connection.store?.work(askEvery);
    const standing = await standingOf(session, outside);
    const failed = standing.some(({ problem }) => problem !== null);
    if (standing.length === 0 || failed || clock.now() >= until) {
      if (standing.length === 0 && !json) terminal.err('All external steps are done.\n');
      return standing;
    }
    const left = standing.reduce((sum, step) => sum + step.left, 0);
    const line = `Waiting for ${count(standing.length, 'external step')}, ${left} left to do…\n`;
    if (!json && line !== told) terminal.err(line);
    told = line;
    if (!interrupted.aborted) await sleep(askEvery, interrupted).catch(() => undefined);
    if (interrupted.aborted) {
      throw new Fault('cancelled', 'Interrupted. The apply is committed, and its external steps go on in the background.');
    }
  }
}

async function standingOf(session: Session, steps: readonly Step[]): Promise<readonly StandingStep[]> {
  const asked = steps.map(({ mount, key }): JsonObject => ({ mount, key }));
  const { data } = await session.request('write', 'sys/managed/outside', { steps: asked as Json });
  const states = (data?.states ?? []) as unknown as readonly (OutsideState | null)[];
  return steps.flatMap((step, index) => {
    const state = states[index] ?? null;
    return state === null ? [] : [{ ...step, ...state }];
  });
}

/**
 * What a person is told who waited in vain: each step that failed, and why, or what there was no time for. `served`: a
 * server has the store, with background tasks that go on.
 */
export function stillOutside(left: readonly StandingStep[], served: boolean): Fault {
  const failed = left.filter(({ problem }) => problem !== null);
  const named = failed.length > 0 ? failed : left;
  const steps = named.map(
    ({ address, what, problem }) => `${addressText(address)}: ${what}: ${problem ?? 'there was no time left for it'}`,
  );
  return new Fault('outside', `the apply is committed, but not all is done outside: ${steps.join('; ')}`, {
    hint: served
      ? 'It is tried again in the background, later each time. How that goes: secretctl status'
      : `No server runs on this store: it is tried again by each command that runs when it is due, for two seconds, later each time. How that goes: ${shownBy(named)}`,
  });
}

/** The commands that show how steps stand: what they wait for are leases of a mount that goes, or changes of passwords. */
function shownBy(steps: readonly StandingStep[]): string {
  const commands = steps.map(({ address: { mount } }) =>
    mount === null ? 'secretctl lease list -failing' : `secretctl read ${mount}/rotations`,
  );
  return [...new Set(commands)].join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
