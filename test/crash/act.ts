import type { JsonObject } from '../../src/base/json.ts';
import type { Operation } from '../../src/protocol/request.ts';
import type { ApplyCall, PlainCall } from './job.ts';
import type { Changes, Registers } from './registers.ts';

/** One call of the workload with everything that the oracle must know of it. */
export interface Act {
  readonly call: PlainCall | ApplyCall;
  /**
   * Its transactions in their order, nearly always one. Each says what it changes in the state that it finds, and
   * happens as a whole or not at all.
   */
  readonly stages: readonly ((state: Registers) => Changes)[];
  /** `either`: another call that runs beside it may make it stale. */
  readonly expected: 'done' | 'refused' | 'either';
  /** Its last transaction moves the config revision by one. */
  readonly configures: boolean;
  /** Text that stands in its data or facts and in those of no other call: how its audit lines are known. */
  readonly note: string;
  /** What it writes to the secret that all lanes write to; null: it does not. */
  readonly shared: SharedWrite | null;
}

interface SharedWrite {
  readonly patch: boolean;
  readonly value: JsonObject;
}

export function isApplyCall(call: PlainCall | ApplyCall): call is ApplyCall {
  return 'apply' in call;
}

/** A plain call that does one thing in one transaction. */
export function plainAct(
  call: { id: number; operation: Operation; path: string; data: JsonObject; token: PlainCall['token'] },
  effect: (state: Registers) => Changes,
  more: Partial<Act> = {},
): Act {
  const note = `note-of-${call.id}`;
  return {
    call: { ...call, data: { ...call.data, note } },
    stages: [effect],
    expected: 'done',
    configures: false,
    note,
    shared: null,
    ...more,
  };
}

/** Sets one register, whatever it held. */
export const sets = (name: string, value: JsonObject | string | null) => (): Changes => new Map([[name, value]]);
