import fc from 'fast-check';
import type { Json } from '../../src/base/json.ts';
import type { World } from '../world.ts';
import { type Address, type Repo, textOf } from './declared.ts';
import { type Field, fieldsOf, type Type, withDefaults } from './fields.ts';
import {
  contentsOf,
  currentOf,
  isMount,
  isReadable,
  type Live,
  type Model,
  put,
  withChangedVersion,
  withVersion,
} from './model.ts';
import { databaseNames, engineNames, methodNames, randomRules, secretNames } from './names.ts';
import { changeByHand, makeByHand, pathOf } from './store-api.ts';

/** What somebody does to the store besides applies. */
export interface HandChange {
  readonly what: keyof typeof handChanges;
  readonly which: number;
  readonly how: number;
}

/** Where it happened: what makes a plan stale. */
export interface Touched {
  /** The object whose own reads may show it now. */
  readonly address: Address | null;
  /** It moves the config revision. */
  readonly configures: boolean;
}

export interface Hand {
  readonly world: World;
  readonly model: Model;
  readonly repo: Repo;
}

type Change = (hand: Hand, live: Live, how: number) => Promise<Touched | null>;

const configured = ({ address }: Live): Touched => ({ address, configures: true });
const written = ({ address }: Live): Touched => ({ address, configures: false });

async function changeField({ world, model }: Hand, live: Live, how: number): Promise<Touched | null> {
  const field = changeable(live)[how % Math.max(1, changeable(live).length)];
  if (field === undefined) return null;
  const values = [field.unset, ...field.choices];
  const value = field.name === 'rules' && live.type === 'Policy' ? randomRules(how) : (values[how % values.length] ?? null);
  const changed = { ...live, values: { ...live.values, [field.name]: value } };
  await changeByHand(world, changed, field.name);
  put(model, changed);
  return live.type === 'secret2' ? written(live) : configured(live);
}

/** Fields that can be changed in place. */
function changeable({ type }: Live): readonly Field[] {
  return fieldsOf[type].filter(({ name }) => !['options', 'localSecretIds', 'connection'].includes(name));
}

async function changeAndBack(hand: Hand, live: Live, how: number): Promise<Touched | null> {
  const touched = await changeField(hand, live, how);
  if (touched === null) return null;
  const changed = hand.model.live.get(textOf(live.address));
  for (const { name } of changeable(live)) {
    if (changed?.values[name] !== live.values[name]) await changeByHand(hand.world, live, name);
  }
  put(hand.model, live);
  return touched;
}

async function remove({ world, model }: Hand, live: Live): Promise<Touched | null> {
  if (live.type === 'AuditDevice') return null;
  await world.delete(pathOf(live.address, live.type));
  if (isMount(live.address)) for (const inner of contentsOf(model, live.address)) model.live.delete(textOf(inner.address));
  model.live.delete(textOf(live.address));
  return live.address.kind === 'StaticSecret' ? written(live) : configured(live);
}

/** Gone and back: nothing has changed, but for what a mount held and for the versions of a secret. */
async function removeAndMake(hand: Hand, live: Live): Promise<Touched | null> {
  const touched = await remove(hand, live);
  if (touched === null) return null;
  const { world, model } = hand;
  await makeByHand(world, live);
  const current = currentOf(live);
  let made: Live = { ...live, versions: new Map(), current: 0 };
  if (current !== null) {
    world.clock.time += 1;
    await writeSecret(world, made, current.data);
    made = withVersion(model, made, current.data, world.clock.time);
  }
  if (live.type !== 'secret1' || current !== null) put(model, made);
  return touched;
}

async function makeNew({ world, model }: Hand, _live: Live, how: number): Promise<Touched | null> {
  const mounts = [...model.live.values()].filter(({ address }) => isMount(address));
  const mount = mounts[how % Math.max(1, mounts.length)];
  const made: readonly (readonly [Type, Address])[] = [
    ['Policy', { kind: 'Policy', mount: null, name: `p${how % 5}` }],
    ['PasswordPolicy', { kind: 'PasswordPolicy', mount: null, name: `w${how % 3}` }],
    ['engine', { kind: 'SecretEngine', mount: null, name: [...engineNames, 'x0'][how % 4] ?? '' }],
    ['method', { kind: 'AuthMethod', mount: null, name: methodNames[how % methodNames.length] ?? '' }],
    ['token', { kind: 'AuthBinding', mount: 'token', name: `b${how % 3}` }],
    ['database', { kind: 'SecretEngine', mount: null, name: databaseNames[how % databaseNames.length] ?? '' }],
    ['LeaseCountQuota', { kind: 'LeaseCountQuota', mount: null, name: `q${how % 3}` }],
    ...(mount?.type === 'database'
      ? ([
          ['DatabaseConnection', { kind: 'DatabaseConnection', mount: mount.address.name, name: `c${how % 2}` }],
          ['DatabaseRole', { kind: 'DatabaseRole', mount: mount.address.name, name: `d${how % 3}` }],
        ] as const)
      : []),
    ...(mount?.type === 'engine' ? [secretIn(mount, how), secretIn(mount, how)] : []),
    ...(mount?.type === 'method'
      ? [['approle', { kind: 'AuthBinding', mount: mount.address.name, name: `b${how % 3}` }] as const]
      : []),
  ];
  const [type, address] = made[how % made.length]!;
  if (model.live.has(textOf(address))) return null;
  let live: Live = { address, type, values: withDefaults(type, madeValues(type, how)), versions: new Map(), current: 0 };
  await makeByHand(world, live);
  if (address.kind === 'StaticSecret' && (type === 'secret1' || how % 3 > 0)) {
    const data = { f0: `by hand ${how}`, extra: how };
    await writeSecret(world, live, data);
    live = withVersion(model, live, data, world.clock.time);
  }
  put(model, live);
  return address.kind === 'StaticSecret' ? written(live) : configured(live);
}

function secretIn(mount: Live, how: number): readonly [Type, Address] {
  const { version } = mount.values.options as { version: string };
  const name = secretNames[how % secretNames.length] ?? '';
  return [version === '2' ? 'secret2' : 'secret1', { kind: 'StaticSecret', mount: mount.address.name, name }];
}

function madeValues(type: Type, how: number): Readonly<Record<string, Json>> {
  if (type === 'Policy') return { rules: randomRules(how) };
  if (type === 'engine') return { options: { version: how % 2 === 0 ? '2' : '1' } };
  return type === 'approle' && how % 4 === 0 ? { localSecretIds: true } : {};
}

async function writeSecret(world: World, live: Live, data: Readonly<Record<string, Json>>): Promise<void> {
  const { mount, name } = live.address;
  if (live.type === 'secret1') await world.write(`${mount}/${name}`, data);
  else await world.write(`${mount}/data/${name}`, { data, options: { cas: live.current } });
}

const secret =
  (change: (hand: Hand, live: Live, how: number) => Promise<Live | null>): Change =>
  async (hand, live, how) => {
    if (live.address.kind !== 'StaticSecret') return null;
    const changed = await change(hand, live, how);
    if (changed === null) return null;
    put(hand.model, changed);
    return written(live);
  };

const version2 = (change: (hand: Hand, live: Live, how: number) => Promise<Live>): Change =>
  secret(async (hand, live, how) => (live.type === 'secret2' && live.current > 0 ? change(hand, live, how) : null));

async function putVersion({ world, model }: Hand, live: Live, data: Readonly<Record<string, Json>>): Promise<Live> {
  await writeSecret(world, live, data);
  return withVersion(model, live, data, world.clock.time);
}

async function softDelete({ world }: Hand, live: Live): Promise<Live> {
  await world.delete(`${live.address.mount}/data/${live.address.name}`);
  const now = world.clock.time;
  return isReadable(live, now) ? withChangedVersion(live, live.current, (version) => ({ ...version, deletionAt: now })) : live;
}

async function undelete({ world }: Hand, live: Live): Promise<Live> {
  await world.write(`${live.address.mount}/undelete/${live.address.name}`, { versions: [live.current] });
  const age = Number(live.values.deleteVersionAfter);
  const deletionAt = age === 0 ? null : world.clock.time + age * 1000;
  return withChangedVersion(live, live.current, (version) => (version.destroyed ? version : { ...version, deletionAt }));
}

async function destroy({ world }: Hand, live: Live, number: number): Promise<Live> {
  await world.write(`${live.address.mount}/destroy/${live.address.name}`, { versions: [number] });
  return withChangedVersion(live, number, (version) => ({ ...version, destroyed: true }));
}

async function remount({ world, model }: Hand, live: Live, to: string): Promise<Live> {
  const prefix = live.type === 'method' ? 'auth/' : '';
  await world.write('sys/remount', { from: `${prefix}${live.address.name}`, to: `${prefix}${to}` });
  for (const inner of contentsOf(model, live.address)) {
    model.live.delete(textOf(inner.address));
    put(model, { ...inner, address: { ...inner.address, mount: to } });
  }
  model.live.delete(textOf(live.address));
  const moved = { ...live, address: { ...live.address, name: to } };
  put(model, moved);
  return moved;
}

const mounted =
  (change: (hand: Hand, live: Live, how: number) => Promise<Live | null>): Change =>
  async (hand, live, how) =>
    isMount(live.address) && (await change(hand, live, how)) !== null ? configured(live) : null;

/** What goes on in the life of a store and is no change of what documents declare. */
async function live({ world, model }: Hand, { address }: Live, how: number): Promise<Touched> {
  const nothing = { address: null, configures: false };
  const engine = [...model.live.values()].find(
    ({ type, values }) => type === 'engine' && (values.options as { version: string }).version === '2',
  );
  const role = [...model.live.values()].find(({ type }) => type === 'approle');
  switch (how % 5) {
    case 0:
      await world.write('auth/token/create', { policies: ['default'], ttl: '1h' });
      return nothing;
    case 1:
      await world.write('cubbyhole/note', { text: `${how}` });
      return nothing;
    case 2:
      if (role === undefined) return nothing;
      await world.write(`auth/${role.address.mount}/role/${role.address.name}/secret-id`, {});
      return nothing;
    case 3:
      if (role === undefined) return nothing;
      await world.write(`auth/${role.address.mount}/role/${role.address.name}/role-id`, {
        role_id: `by-hand-${how}-${address.name}`,
      });
      return configured(role);
    default:
      if (engine === undefined) return nothing;
      await world.write(`${engine.address.name}/config`, { max_versions: 0 });
      return { address: null, configures: true };
  }
}

/** Each changes the store by the API and the model alike. Null: it does not fit the object. */
const handChanges = {
  changeField,
  changeAndBack,
  remove,
  removeAndMake,
  makeNew,
  put: secret((hand, live, how) => putVersion(hand, live, { f0: `by hand ${how}`, ...(how % 2 === 0 && { extra: 'kept' }) })),
  putTheSame: secret(async (hand, live) => {
    const current = currentOf(live);
    return current === null ? null : putVersion(hand, live, current.data);
  }),
  patch: version2(async (hand, live, how) => {
    if (!isReadable(live, hand.world.clock.time)) return live;
    const { mount, name } = live.address;
    await hand.world.patch(`${mount}/data/${name}`, { data: { extra: how }, options: { cas: live.current } });
    return withVersion(hand.model, live, { ...currentOf(live)?.data, extra: how }, hand.world.clock.time);
  }),
  softDelete: version2(softDelete),
  undelete: version2(undelete),
  softDeleteAndBack: version2(async (hand, live) => {
    const back = await undelete(hand, await softDelete(hand, live));
    return back;
  }),
  destroyCurrent: version2((hand, live) => destroy(hand, live, live.current)),
  destroyOlder: version2((hand, live) => destroy(hand, live, live.current - 1)),
  remountAway: mounted(async (hand, live, how) => {
    const to = `${live.type === 'database' ? 'db-' : ''}moved${how % 2}`;
    return hand.model.live.has(textOf({ ...live.address, name: to })) ? null : remount(hand, live, to);
  }),
  remountAndBack: mounted(async (hand, live) => {
    const away = live.type === 'database' ? 'db-away' : 'away';
    return remount(hand, await remount(hand, live, away), live.address.name);
  }),
  mountOther: mounted(async (hand, live) => {
    if (live.type !== 'engine') return null;
    await remove(hand, live);
    const { version } = live.values.options as { version: string };
    const other = { ...live, values: { ...live.values, options: { version: version === '2' ? '1' : '2' } } };
    await makeByHand(hand.world, other);
    put(hand.model, other);
    return other;
  }),
  live,
} satisfies Readonly<Record<string, Change>>;

/** Makes a change to one of the objects that are there. */
export async function byHand(hand: Hand, { what, which, how }: HandChange): Promise<Touched | null> {
  hand.world.clock.time += 1 + (how % 7);
  const objects = [...hand.model.live.values()].sort((a, b) => (textOf(a.address) < textOf(b.address) ? -1 : 1));
  // A change that fits another object more likely than none: look on from there.
  for (let step = 0; step < objects.length; step++) {
    const object = objects[(which + step) % objects.length]!;
    const touched = await handChanges[what](hand, object, how);
    if (touched !== null) return touched;
  }
  return null;
}

export const handChange: fc.Arbitrary<HandChange> = fc.record({
  what: fc.constantFrom(...(Object.keys(handChanges) as (keyof typeof handChanges)[])),
  which: fc.nat(200),
  how: fc.nat(200),
});
