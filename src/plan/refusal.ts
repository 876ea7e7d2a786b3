import { addressText, type ManagedAddress } from '../protocol/managed.ts';
import type { Place } from '../desired/diagnostic.ts';
import type { PlanProblem } from './problem.ts';
import type { Subject } from './subject.ts';

/** What a plan refuses, in words. Each says what to do next. */

/** A create never takes over what is live and nobody manages. */
export function unowned(subject: Subject): PlanProblem {
  const { address } = subject;
  return {
    code: 'unowned',
    address,
    message: `${addressText(address)} exists already, and no project manages it`,
    hint: `to manage it here: ${importCommand(address)}`,
    place: placeOf(subject),
  };
}

/** The command that adopts an object. */
export function importCommand(address: ManagedAddress): string {
  return `secretctl import ${shellWord(addressText(address))} ${shellWord(address.name)}`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function foreignObject(subject: Subject, project: string): PlanProblem {
  return {
    code: 'foreign',
    address: subject.address,
    message: `${addressText(subject.address)} is managed by project "${project}"`,
    hint: `remove its document here, or have "${project}" forget it first`,
    place: placeOf(subject),
  };
}

export function protectedObject(subject: Subject, action: 'delete' | 'replace'): PlanProblem {
  const text = addressText(subject.origin);
  const verb = action === 'delete' ? 'deleted' : 'replaced';
  return {
    code: 'protected',
    address: subject.origin,
    message: `${text} is protected and would be ${verb}`,
    hint:
      subject.desired === null
        ? 'put its document back with "protect: false" in its metadata and apply that, then remove it'
        : 'first apply it with "protect: false" in its metadata, as a change of its own',
    place: placeOf(subject),
  };
}

/** What its kind does not let happen to it. */
export function refusedChange(
  subject: Subject,
  { message, hint }: { readonly message: string; readonly hint: string },
): PlanProblem {
  const text = addressText(subject.origin);
  return { code: 'loses', address: subject.origin, message: `${text} ${message}`, hint, place: placeOf(subject) };
}

/** A mount never takes down with it what is to stay. */
export function mountInUse(subject: Subject, inside: readonly string[]): PlanProblem {
  const more = inside.length > 3 ? `; and ${inside.length - 3} more` : '';
  return {
    code: 'mount-in-use',
    address: subject.origin,
    message: `${addressText(subject.origin)} would be destroyed with ${inside.slice(0, 3).join('; ')}${more}`,
    hint: 'keep the mount; or remove what is in it too: its document, its forget entry, or by those who manage it',
    place: placeOf(subject),
  };
}

export function importMissing(subject: Subject, id: string): PlanProblem {
  return {
    code: 'import-missing',
    address: subject.address,
    message: `there is no ${subject.address.kind} "${id}" in the store that could be imported to ${addressText(subject.address)}`,
    hint: `without the import entry it is created`,
    place: placeOf(subject),
  };
}

export function importName(subject: Subject, id: string): PlanProblem {
  const { kind, address } = subject;
  return {
    code: 'import-name',
    address,
    message: `${addressText(address)} can adopt only the object of its own name, not "${id}"`,
    hint: `the id is ${kind.importId ?? "the object's name"}; import it under that name, apply, then move it`,
    place: placeOf(subject),
  };
}

/** An import adopts what is there; it never destroys it. */
export function importDiffers(subject: Subject, fields: readonly string[]): PlanProblem {
  const { address } = subject;
  return {
    code: 'import-differs',
    address,
    message: `${addressText(address)} cannot be imported as it is declared: ${fields.length === 0 ? 'it would be replaced' : `${fields.map((at) => `spec${at.replaceAll('/', '.')}`).join(', ')} cannot be changed in place`}`,
    hint: 'declare it as it is, import it, and replace it then if you must',
    place: placeOf(subject),
  };
}

export function moveOccupied(subject: Subject): PlanProblem {
  return {
    code: 'move-occupied',
    address: subject.address,
    message: `${addressText(subject.origin)} cannot move to ${addressText(subject.address)}: something is there already`,
    hint: 'delete one of the two, or give it another name',
    place: placeOf(subject),
  };
}

export function moveImpossible(subject: Subject): PlanProblem {
  return {
    code: 'move-impossible',
    address: subject.address,
    message: `${addressText(subject.origin)} cannot be moved to ${addressText(subject.address)} without losing what only the store has`,
    hint: 'keep the old name, or take the move entry out: it is then created anew, and the old one destroyed',
    place: placeOf(subject),
  };
}

function placeOf({ desired }: Subject): Place | null {
  return desired?.locate('/metadata/name') ?? null;
}
