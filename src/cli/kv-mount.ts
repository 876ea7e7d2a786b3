import { Fault } from '../base/error.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Session } from './session.ts';

/** Where a path that a person types lies: its mount, the version of its engine and the path inside. */
export interface KvPath {
  readonly mount: string;
  readonly version: '1' | '2';
  /** Inside the mount, without slashes at its ends; empty for the mount itself. */
  readonly path: string;
}

/** Asks the store which mount a path belongs to. Throws Fault `usage` for one that is not a kv mount. */
export async function resolveKv(session: Session, operand: string, mountOption: string | undefined): Promise<KvPath> {
  const whole = [mountOption, operand]
    .filter((part) => part !== undefined)
    .map((part) => part.replaceAll(/^\/+|\/+$/g, ''))
    .join('/')
    .replace(/\/$/, '');
  if (whole === '') throw new Fault('usage', 'the path is empty', { hint: 'Paths start with their mount, as in kv/app/db.' });
  const found = await mountOf(session, whole);
  const mount = typeof found.path === 'string' ? found.path.replace(/\/$/, '') : whole;
  if (found.type !== 'kv')
    throw new Fault('usage', `${whole} lies in ${mount}/, which is no kv mount but one of type ${String(found.type)}`, {
      hint: `Use: secretctl read ${whole}`,
    });
  const options = isJsonObject(found.options) ? found.options : {};
  return { mount, version: options.version === '2' ? '2' : '1', path: whole === mount ? '' : whole.slice(mount.length + 1) };
}

/** The store answers "no such mount" and "nothing of it is yours" alike, so that nobody can find out what there is. */
async function mountOf(session: Session, path: string): Promise<JsonObject> {
  try {
    return (await session.request('read', `sys/internal/ui/mounts/${path}`)).data ?? {};
  } catch (error) {
    if (error instanceof RequestError && error.message.startsWith('preflight')) {
      throw new Fault('usage', `${path} lies in no mount that this token may use`, {
        hint: 'Paths start with their mount, as in kv/app/db. Which ones there are: secretctl secrets list',
      });
    }
    throw error;
  }
}

export function needVersion2(kv: KvPath, command: string): void {
  if (kv.version === '2') return;
  throw new Fault('usage', `${command} needs a kv mount of version 2; ${kv.mount}/ is of version 1, which keeps no versions`);
}
