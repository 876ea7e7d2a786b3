import { Fault } from '../base/error.ts';
import { isJsonObject } from '../base/json.ts';
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
    .join('/')
    .replaceAll(/^\/+|\/+$/g, '');
  const found = await session.read(`sys/internal/ui/mounts/${whole}`);
  const mount = typeof found?.path === 'string' ? found.path.replace(/\/$/, '') : null;
  if (found === null || mount === null || found.type !== 'kv') {
    throw new Fault(
      'usage',
      `${whole} does not lie in a kv mount${found === null ? '' : ` but in one of type ${String(found.type)}`}`,
      {
        hint: 'Paths start with their mount, as in kv/app/db. Mounts: secretctl read sys/mounts',
      },
    );
  }
  const options = isJsonObject(found.options) ? found.options : {};
  return { mount, version: options.version === '2' ? '2' : '1', path: whole === mount ? '' : whole.slice(mount.length + 1) };
}

export function needVersion2(kv: KvPath, command: string): void {
  if (kv.version === '2') return;
  throw new Fault('usage', `${command} needs a kv mount of version 2; ${kv.mount}/ is of version 1, which keeps no versions`);
}
