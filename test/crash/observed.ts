import { isJsonObject, type Json, type JsonObject } from '../../src/base/json.ts';
import { addressText, type ManagedRecord, type Snapshot } from '../../src/protocol/managed.ts';
import type { Reply } from '../../src/protocol/reply.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { generatedMark } from './applies.ts';
import type { Send } from './place.ts';
import type { Kv2Version, Registers } from './registers.ts';

/** What a store really holds, read through its front door. */
export interface Observed {
  readonly registers: Registers;
  readonly revision: number;
  /** Of every token that works, by the call that made it. */
  readonly accessors: ReadonlyMap<number, string>;
  /** The ids of all mounts that have storage of their own. */
  readonly mountIds: readonly string[];
  /** The values of the shared secret's versions after those that were known. */
  readonly shared: readonly JsonObject[];
}

const planReads = ['sys/mounts/red', 'red/metadata/app', 'sys/policies/acl/red-marker'].map((path) => ({
  operation: 'read',
  path,
}));

/** `knownShared` is the number of the last version of the shared secret that was seen before. */
export async function observe(send: Send, knownShared: number): Promise<Observed> {
  const looked = new Look(send);
  const [policies, mounted, managed, tokens, snapshot] = await Promise.all([
    send('list', 'sys/policies/acl'),
    send('read', 'sys/mounts'),
    send('read', 'sys/managed'),
    send('list', 'auth/token/accessors'),
    // As a plan of a project begins.
    send('write', 'sys/managed/snapshot', { project: 'red', reads: planReads }),
  ]);
  await Promise.all([
    looked.policies(names(policies)),
    looked.mounts((mounted.data ?? {}) as unknown as ShownMounts, knownShared),
    looked.tokens(names(tokens)),
  ]);
  looked.records((managed.data?.records ?? []) as unknown as readonly ManagedRecord[]);
  const { revision } = snapshot.data as unknown as Snapshot;
  const { registers, accessors, mountIds, shared } = looked;
  return { registers, accessors, mountIds, shared, revision };
}

/** Whether a token can be used. */
export async function works(send: Send, token: string): Promise<boolean> {
  try {
    await send('read', 'auth/token/lookup-self', {}, token);
    return true;
  } catch (error) {
    if (error instanceof RequestError && error.status === 403) return false;
    throw error;
  }
}

interface ShownMount {
  readonly uuid: string;
  readonly type: string;
  readonly description: string;
  readonly options: JsonObject;
}
type ShownMounts = Readonly<Record<string, ShownMount>>;

class Look {
  readonly registers = new Map<string, Json>();
  readonly accessors = new Map<number, string>();
  readonly mountIds: string[] = [];
  readonly shared: JsonObject[] = [];
  /** Of each secret, as its managed record should have it. */
  readonly #marks = new Map<string, Json>();
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  async policies(all: readonly string[]): Promise<void> {
    const byHand = all.filter((name) => name !== 'root' && name !== 'default');
    const found = await Promise.all(byHand.map((name) => this.#send('read', `sys/policies/acl/${name}`)));
    for (const [index, name] of byHand.entries()) this.registers.set(`policy/${name}`, found[index]?.data?.policy ?? null);
  }

  async mounts(shown: ShownMounts, knownShared: number): Promise<void> {
    // The store's own mounts are shown with an id that is made for show; of these only the cubbyhole has a key.
    this.mountIds.push('cubbyhole');
    for (const { type, uuid } of Object.values(shown))
      if (!['system', 'identity', 'cubbyhole'].includes(type)) this.mountIds.push(uuid);
    const kv = Object.entries(shown).filter(([, { type }]) => type === 'kv');
    await Promise.all(
      kv.map(async ([slashed, { description, options }]) => {
        const path = slashed.slice(0, -1);
        const version = String(options.version);
        this.registers.set(`mount/${path}`, { version, description });
        const keys = await this.#keys(version === '2' ? `${path}/metadata` : path);
        await Promise.all(
          keys.map(async (key) => {
            if (version === '1') await this.#plain(path, key);
            else await this.#versioned(path, key, path === 'kv' && key === 'shared' ? knownShared : null);
          }),
        );
      }),
    );
  }

  async tokens(all: readonly string[]): Promise<void> {
    const found = await Promise.all(all.map((accessor) => this.#send('write', 'auth/token/lookup-accessor', { accessor })));
    for (const [index, { data }] of found.entries()) {
      // The root token has no metadata.
      if (!isJsonObject(data?.meta)) continue;
      this.registers.set(`token/${String(data.meta.call)}`, { uses: data.num_uses ?? 0 });
      this.accessors.set(Number(data.meta.call), all[index] ?? '');
    }
  }

  records(all: readonly ManagedRecord[]): void {
    for (const { address, project, commit, spec, mark } of all) {
      // A record of a secret must carry the mark of the secret as it is.
      const live = address.kind === 'StaticSecret' ? (this.#marks.get(`${address.mount}/${address.name}`) ?? null) : null;
      const shown = { project, commit, generation: spec.generation ?? null };
      this.registers.set(`record/${addressText(address)}`, mark === live ? shown : { ...shown, mark, live });
    }
  }

  async #keys(folder: string): Promise<readonly string[]> {
    try {
      return names(await this.#send('list', folder));
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return [];
      throw error;
    }
  }

  async #plain(mount: string, key: string): Promise<void> {
    const [secret, observation] = await Promise.all([
      this.#send('read', `${mount}/${key}`),
      this.#send('read', `sys/managed/observe/${mount}/${key}`),
    ]);
    const data = secret.data ?? {};
    const generated = typeof data.generated === 'string' && /^[0-9a-f]{24}$/.test(data.generated);
    this.registers.set(`kv1/${mount}/${key}`, generated ? { ...data, generated: generatedMark } : data);
    this.#marks.set(`${mount}/${key}`, observation.data?.mark ?? null);
  }

  /** `after`: only the values of the versions after this one are wanted, and go to `shared`. */
  async #versioned(mount: string, key: string, after: number | null): Promise<void> {
    const metadata = (await this.#send('read', `${mount}/metadata/${key}`)).data ?? {};
    const current = Number(metadata.current_version);
    const valueOf = async (version: number) =>
      ((await this.#send('read', `${mount}/data/${key}`, { version })).data?.data ?? {}) as JsonObject;
    if (after !== null) {
      const numbers = Array.from({ length: current - after }, (_, index) => after + 1 + index);
      this.shared.push(...(await Promise.all(numbers.map(valueOf))));
      return;
    }
    const all = Object.entries(metadata.versions as Readonly<Record<string, JsonObject>>);
    const versions = await Promise.all(
      all.map(async ([number, { deletion_time: deletion, destroyed }]): Promise<readonly [string, Kv2Version]> => {
        const deleted = deletion !== '';
        const value = destroyed === true ? null : deleted ? {} : await valueOf(Number(number));
        return [number, { value, deleted }];
      }),
    );
    this.registers.set(`kv2/${mount}/${key}`, { current, versions: Object.fromEntries(versions) } as unknown as Json);
    const newest = (metadata.versions as JsonObject)[String(current)];
    this.#marks.set(`${mount}/${key}`, isJsonObject(newest) ? `${current}@${String(newest.created_time)}` : null);
  }
}

function names({ data }: Reply): readonly string[] {
  return (data?.keys ?? []) as readonly string[];
}
