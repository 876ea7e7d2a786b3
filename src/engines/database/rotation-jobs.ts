import { type Backoff, spreadDelayAfter } from '../../base/backoff.ts';
import { randomUuid } from '../../base/random.ts';
import type { View } from '../../barrier/view.ts';
import { done, type Due, type DuePage, type Step } from '../../core/controller.ts';
import { TargetUnavailable } from '../../core/lease.ts';
import type { JobMount, JobTransaction, MountJobs } from '../../core/mount-jobs.ts';
import { badRequest, RequestError } from '../../protocol/request-error.ts';
import { connectionNamed, putConnection, type Connection } from './connection-record.ts';
import { fieldsOf, inSession, pluginOf, waysIn } from './connection-session.ts';
import { changePassword, type Outcome, type PasswordChange } from './password-change.ts';
import type { DatabaseSession } from './plugins/plugin.ts';
import { dueConnections, dueOf, forgetDue, noteDue, type Subject } from './rotation-index.ts';
import { nextRotation, windowEnd } from './rotation-times.ts';
import { forgetRotation, noteFailure, rotationOf, type Rotation } from './rotation.ts';
import type { DatabaseSessions } from './sessions.ts';
import {
  beginRoleRotation,
  putStaticCredential,
  staticCredentialOf,
  staticRoleNamed,
  type StaticRole,
} from './static-account.ts';

/** How many passwords of a connection one step changes, and how many of them at the same time. */
const atOnce = 16;
const besideEachOther = 4;
const backoff: Backoff = { first: 5_000, most: 3_600_000 };
const day = 24 * 3_600_000;

/** A rotation that is written down, with all that it takes to carry it out. */
interface Task {
  readonly subject: Subject;
  readonly rotation: Rotation;
  /** Null: it is gone. */
  readonly connection: Connection | null;
  /** Null: the password is that of the connection. */
  readonly role: StaticRole | null;
  /** The one that is given out by now; null: nobody knows it. */
  readonly old: string | null;
}

/**
 * Changes passwords that are due. A key is a connection. What is to be changed is written down with the new password;
 * then the database is told, and asked which password it wants; then that one is kept. One that does not answer is a
 * circuit that opens: it is left alone, longer each time, and then tried with a single password.
 */
export function rotationJobs(sessions: DatabaseSessions): MountJobs {
  const unavailable = new Set<string>();
  return {
    due: dueKeys,
    async step(name, mount, signal) {
      const circuit = `${mount.mount.id}/${name}`;
      const now = mount.clock.now();
      const { tasks, next, problem } = await mount.transact((job) =>
        begin(job, mount, name, now, unavailable.has(circuit) ? 1 : atOnce),
      );
      const outcomes = await carryOutAll(sessions, mount, tasks, signal);
      const away = outcomes.find((outcome) => outcome instanceof TargetUnavailable);
      if (away !== undefined) {
        unavailable.add(circuit);
        throw away;
      }
      if (tasks.length > 0) unavailable.delete(circuit);
      const failed = outcomes.find((outcome) => outcome !== null)?.message ?? problem;
      // What was changed is due again at a time that only the index knows.
      const step: Step = tasks.length > 0 ? { again: next, look: true } : next === null ? done : { again: next };
      if (failed !== null) return { ...step, problem: failed };
      return { ...step, unresolved: await mount.transact(({ storage }) => isFailing(storage, name)) };
    },
    describe: (name) => `passwords of the connection "${name}"`,
    async standing(storage, key) {
      const [kind, name = ''] = key.split('/');
      const rotation = await rotationOf(storage, { kind: kind === 'root' ? 'root' : 'role', name });
      return rotation === null ? null : { left: 1, problem: rotation.error };
    },
  };
}

/** How many passwords that wait to be changed are looked at, to tell whether the last try of one has failed. */
const looked = 128;

/** Does a password of a connection wait to be changed that could not be when it was tried last? */
async function isFailing(storage: View, connection: string): Promise<boolean> {
  for (const { subject } of await dueOf(storage, connection, looked)) {
    if ((await rotationOf(storage, subject))?.error) return true;
    if (subject.kind === 'role' && (await staticCredentialOf(storage, subject.name))?.error) return true;
  }
  return false;
}

async function dueKeys(storage: View, now: number, { after, limit }: DuePage): Promise<Due> {
  const connections = await dueConnections(storage, after, limit);
  const keys: string[] = [];
  let next: number | null = null;
  for (const connection of connections) {
    const [first] = await dueOf(storage, connection, 1);
    if (first === undefined) continue;
    if (first.at <= now) keys.push(connection);
    else next = Math.min(next ?? first.at, first.at);
  }
  return { keys, after: connections.length < limit ? null : (connections.at(-1) ?? null), next };
}

/** Writes down what is due of a connection, and gives all of it that is to be carried out. */
async function begin(job: JobTransaction, mount: JobMount, connection: string, now: number, limit: number) {
  const tasks: Task[] = [];
  let problem: string | null = null;
  let next: number | null = null;
  const page = await dueOf(job.storage, connection, limit + 1);
  for (const { at, subject } of page.slice(0, limit)) {
    if (at > now) {
      next = at;
      break;
    }
    if ((await waitsAt(job.storage, subject)) !== at) {
      await forgetDue(job.storage, connection, at, subject);
      continue;
    }
    try {
      const task = subject.kind === 'root' ? await rootTask(job.storage, subject) : await roleTask(job, mount, subject, now);
      if (task !== null) tasks.push(task);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      problem = error.message;
      await putOff(job.storage, subject.name, now + backoff.most, error.message);
    }
  }
  if (next === null && page.length > limit) next = now;
  return { tasks, next, problem };
}

/** Where a subject waits in the index; null: nothing of it does. */
async function waitsAt(storage: View, subject: Subject): Promise<number | null> {
  const rotation = await rotationOf(storage, subject);
  if (rotation !== null) return rotation.dueAt;
  return subject.kind === 'root' ? null : ((await staticCredentialOf(storage, subject.name))?.next ?? null);
}

async function rootTask(storage: View, subject: Subject): Promise<Task | null> {
  const rotation = await rotationOf(storage, subject);
  const connection = await connectionNamed(storage, subject.name);
  if (rotation === null) return null;
  if (connection === null) {
    await forgetRotation(storage, subject, rotation);
    return null;
  }
  return { subject, rotation, connection, role: null, old: connection.password };
}

/** Null: it is not to be changed now. Throws RequestError 400 where no password can be made. */
async function roleTask(
  { storage, generatePassword }: JobTransaction,
  { random }: JobMount,
  subject: Subject,
  now: number,
): Promise<Task | null> {
  const { name } = subject;
  const role = await staticRoleNamed(storage, name);
  const credential = await staticCredentialOf(storage, name);
  if (role === null || credential === null) return null;
  const connection = await connectionNamed(storage, role.connection);
  let rotation = await rotationOf(storage, subject);
  if (rotation === null) {
    const until = windowEnd(role.times, credential.next);
    if (until !== null && now > until) {
      await putOff(storage, name, nextRotation(role.times, now), null);
      return null;
    }
    const beginning = { storage, now, random, draw: (policy: string) => generatePassword(policy || null) };
    rotation = await beginRoleRotation(beginning, name, role, connection, { waitsAt: credential.next, until });
  }
  return { subject, rotation, connection, role, old: credential.password };
}

/** Has a role that waits in the index wait until another time. */
async function putOff(storage: View, name: string, next: number, error: string | null): Promise<void> {
  const role = await staticRoleNamed(storage, name);
  const credential = await staticCredentialOf(storage, name);
  if (role === null || credential === null) return;
  await forgetDue(storage, role.connection, credential.next, { kind: 'role', name });
  await putStaticCredential(storage, name, { ...credential, next, error });
  await noteDue(storage, role.connection, next, { kind: 'role', name });
}

/** What each came to: null, it is done. After one whose database does not answer no other is begun. */
async function carryOutAll(
  sessions: DatabaseSessions,
  mount: JobMount,
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<readonly (RequestError | null)[]> {
  const outcomes: (RequestError | null)[] = [];
  const waiting = tasks.values();
  let given = false;
  const worker = async (): Promise<void> => {
    for (const task of waiting) {
      if (given || signal.aborted) return;
      const outcome = await carryOut(sessions, mount, task, signal);
      outcomes.push(outcome);
      if (outcome instanceof TargetUnavailable) given = true;
    }
  };
  await Promise.all(Array.from({ length: besideEachOther }, worker));
  return outcomes;
}

async function carryOut(
  sessions: DatabaseSessions,
  mount: JobMount,
  task: Task,
  signal: AbortSignal,
): Promise<RequestError | null> {
  const { connection } = task;
  if (connection === null) {
    const problem = badRequest(`there is no connection "${task.rotation.connection}"`);
    return fail(mount, task, problem, false);
  }
  const run = async (): Promise<RequestError | null> => {
    let outcome: Outcome;
    try {
      outcome = await change(sessions, mount, task, connection, signal);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return fail(mount, task, error, false);
    }
    if (outcome.holds === 'fresh') return keep(mount, task);
    return fail(mount, task, outcome.problem, outcome.holds === 'none', outcome.holds);
  };
  return task.role === null ? sessions.changing(connection.uid, run()) : run();
}

async function change(
  sessions: DatabaseSessions,
  mount: JobMount,
  { subject, rotation, role, old }: Task,
  connection: Connection,
  signal: AbortSignal,
): Promise<Outcome> {
  const { username, password: fresh, until } = rotation;
  const user = { name: username, password: fresh, rotation: role === null ? connection.rootRotation : role.rotation };
  const mayBegin = until === null || mount.clock.now() <= until;
  // Nothing is changed that no log tells of.
  await note(mount, subject, 'begun');
  const within = (use: <T>(work: (session: DatabaseSession) => Promise<T>) => Promise<T>): PasswordChange => ({
    old,
    fresh,
    set: mayBegin ? () => use((session) => session.setPassword(user, signal)) : null,
    letsIn: (password) => use((session) => session.letsIn(username, password, signal)),
  });
  if (role?.selfManaged === true) {
    const own = pluginOf(connection).open({ ...fieldsOf(connection), username, password: old ?? '', maxOpen: 1 });
    try {
      return await changePassword(within((work) => work(own)));
    } finally {
      await own.close().catch(() => undefined);
    }
  }
  if (role === null) {
    // The password of this very session: it is refused as soon as the new one holds.
    const { uid, version } = connection;
    const plugin = pluginOf(connection);
    return changePassword(within((work) => sessions.use({ uid, version, plugin }, () => fieldsOf(connection), work)));
  }
  const read = (): Promise<readonly Connection[]> =>
    mount.transact(async ({ storage }) => {
      const present = await connectionNamed(storage, connection.name);
      if (present === null) throw badRequest(`the connection of the static role "${subject.name}" is gone`);
      return waysIn(storage, present);
    });
  return changePassword(within((work) => inSession(sessions, read, work)));
}

/** The database wants the new password: it is the one that is given out from now on. */
async function keep(mount: JobMount, { subject, rotation, connection }: Task): Promise<null> {
  const { clock, random } = mount;
  await mount.transact(async ({ storage }) => {
    const standing = await rotationOf(storage, subject);
    // Who deletes a role deletes what is under way of it.
    if (standing?.id !== rotation.id) return;
    const now = clock.now();
    await forgetRotation(storage, subject, standing);
    if (subject.kind === 'role') {
      const role = await staticRoleNamed(storage, subject.name);
      if (role === null) return;
      const next = nextRotation(role.times, now);
      await putStaticCredential(storage, subject.name, { password: rotation.password, rotatedAt: now, next, error: null });
      await noteDue(storage, role.connection, next, subject);
      return;
    }
    const present = await connectionNamed(storage, subject.name);
    if (present === null || present.uid !== connection?.uid) return;
    await putConnection(storage, { ...present, password: rotation.password, rotatedAt: now, version: randomUuid(random) });
  });
  await note(mount, subject, 'changed');
  return null;
}

/** It is tried again, unless its window is over and nothing has happened: then it waits for the next time. */
async function fail(
  mount: JobMount,
  { subject, rotation }: Task,
  problem: RequestError,
  needsOperator: boolean,
  holds: 'old' | 'none' | 'unknown' | null = null,
): Promise<RequestError> {
  const { clock, random } = mount;
  await mount.transact(async ({ storage }) => {
    const standing = await rotationOf(storage, subject);
    if (standing?.id !== rotation.id) return;
    const now = clock.now();
    const late = standing.until !== null && now > standing.until && (holds === 'old' || holds === 'unknown');
    const role = late ? await staticRoleNamed(storage, subject.name) : null;
    if (role === null) {
      const pause = needsOperator ? day : spreadDelayAfter(standing.attempts + 1, backoff, random);
      return noteFailure(storage, subject, standing, { error: problem.message, needsOperator, dueAt: now + pause });
    }
    await forgetRotation(storage, subject, standing);
    await putOff(storage, subject.name, nextRotation(role.times, now), problem.message);
  });
  await note(mount, subject, needsOperator ? 'needs-operator' : 'failed', problem.message);
  return problem;
}

/** Tells the audit log of a rotation. */
async function note({ mount, note: write }: JobMount, { kind, name }: Subject, outcome: string, reason?: string): Promise<void> {
  const of = `${mount.path}/${kind === 'root' ? 'config' : 'static-roles'}/${name}`;
  await write({ event: 'password-rotation', of, outcome, ...(reason === undefined ? {} : { reason }) });
}
