import type { JsonObject } from '../base/json.ts';
import { readBody } from './body.ts';
import { type Command, type Option, type Options, targetOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { type KvPath, resolveKv } from './kv-mount.ts';
import { Fault } from '../base/error.ts';
import { nothing } from './output.ts';
import { type Session, withSession } from './session.ts';

const mount: Record<string, Option> = {
  mount: { type: 'text', value: 'PATH', description: 'The mount, where the operand is the path inside it only.' },
};

/** What a kv command does with the path that was named; `body` is what its further operands say. */
export type KvWork = (context: CliContext, session: Session, kv: KvPath, options: Options, body: JsonObject) => Promise<number>;

/** The operands of a command on one path. */
export const pathOperand = { operands: 'PATH', arity: { min: 1, max: 1 } };

/** A command on one path of a kv mount, or on the mount itself. */
export function kvCommand(command: Omit<Command, 'run'>, work: KvWork): Command {
  return {
    ...command,
    options: { ...command.options, ...mount, ...targetOptions },
    async run(context, [path = '', ...rest], options) {
      // Before the store is opened: in `kv get … | kv put …` the other end of the pipe needs it.
      const body = await readBody(context, rest);
      return withSession(context, options, command.path, async (session) =>
        work(context, session, await resolveKv(session, path, options.text('mount')), options, body),
      );
    },
  };
}

/** A command on one secret; the mount alone is refused. */
export function secretCommand(command: Omit<Command, 'run'>, work: KvWork): Command {
  return kvCommand(command, (context, session, kv, options, body) => {
    if (kv.path === '')
      throw new Fault('usage', `${command.path.join(' ')} needs the path of a secret, and ${kv.mount}/ is a mount`, {
        hint: `What is in it: secretctl kv list ${kv.mount}`,
      });
    return work(context, session, kv, options, body);
  });
}

/** The path of the API where the data of a secret stands. */
export function dataPath({ mount, version, path }: KvPath): string {
  return version === '2' ? `${mount}/data/${path}` : `${mount}/${path}`;
}

/** The path as people type it. */
export function shownPath({ mount, path }: KvPath): string {
  return `${mount}/${path}`;
}

/** There is no secret. Returns the exit code. */
export function noSecret(context: CliContext, kv: KvPath, hint: string | null = null): number {
  // The path of the API is what people copy from elsewhere.
  const inner = kv.version === '2' ? /^(?:data|metadata)\/(.+)$/.exec(kv.path)?.[1] : undefined;
  return nothing(
    context,
    `No value found at ${dataPath(kv)}`,
    inner === undefined ? hint : `Paths are written without data/: ${kv.mount}/${inner}`,
  );
}

/** The secret has no such version. Returns the exit code. */
export function noVersion(context: CliContext, kv: KvPath, version: number): number {
  return nothing(context, `There is no version ${version} of ${shownPath(kv)}.`, versionsOf(kv));
}

/** A version whose data is gone has its metadata still, which says why. Returns the exit code. */
export function noData(context: CliContext, kv: KvPath, metadata: JsonObject): number {
  const version = String(metadata.version);
  const what = `Version ${version} of ${shownPath(kv)}`;
  if (metadata.destroyed === true) return nothing(context, `${what} was destroyed.`);
  return nothing(
    context,
    `${what} was deleted at ${String(metadata.deletion_time)}.`,
    `To restore it: secretctl kv undelete -versions=${version} ${shownPath(kv)}`,
  );
}

/** A hint. */
export function versionsOf(kv: KvPath): string {
  return `Which there are: secretctl kv metadata get ${shownPath(kv)}`;
}
