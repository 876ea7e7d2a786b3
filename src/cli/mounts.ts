import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { confirm } from './confirm.ts';
import type { Command, Option } from './command.ts';
import { enableOptions, mountConfig, mountPath, tuneOptions, typeOptions } from './mount-settings.ts';
import { printJson, table } from './output.ts';
import { type Asked, sessionCommand, success } from './session-command.ts';

/** What makes commands of secret engines and of auth methods differ. */
export interface MountFamily {
  /** The first word of the commands. */
  readonly word: 'secrets' | 'auth';
  /** In sentences: `secret engine`. */
  readonly noun: string;
  /** The path of the API: `sys/mounts`. */
  readonly api: string;
  /** What stands before their paths in a move: `auth/`. */
  readonly prefix: string;
  /** A type, for examples. */
  readonly example: string;
  /** Options that only this family has. */
  readonly more: Readonly<Record<string, Option>>;
}

/** The mount as it is named: without the prefix that it has in the API. */
function named({ prefix }: MountFamily, operand: string | undefined): string {
  const path = mountPath(operand);
  return prefix !== '' && path.startsWith(prefix) ? path.slice(prefix.length) : path;
}

export function listCommand(family: MountFamily): Command {
  return sessionCommand(
    {
      path: [family.word, 'list'],
      summary: `List the ${family.noun}s`,
      operands: '',
      arity: { min: 0, max: 0 },
      examples: [{ command: `secretctl ${family.word} list -detailed`, explanation: 'With their settings.' }],
      options: { detailed: { type: 'flag', description: 'Show their settings too.' } },
    },
    async ({ context, session, options }) => {
      const { data } = await session.request('read', family.api);
      const mounts = data ?? {};
      if (context.json) printJson(context, mounts);
      else context.terminal.out(options.flag('detailed') ? detailed(mounts) : brief(mounts));
      return 0;
    },
  );
}

function rows(mounts: JsonObject): readonly (readonly [string, JsonObject])[] {
  return Object.keys(mounts)
    .sort()
    .map((path) => {
      const mount = mounts[path];
      return [path, isJsonObject(mount) ? mount : {}] as const;
    });
}

function cell(value: Json | undefined): string {
  if (value === undefined || value === null || value === '') return 'n/a';
  return typeof value === 'object'
    ? `map[${Object.entries(value)
        .map(([key, item]) => `${key}:${String(item)}`)
        .join(' ')}]`
    : String(value);
}

function brief(mounts: JsonObject): string {
  return table(
    ['Path', 'Type', 'Accessor', 'Description'],
    rows(mounts).map(([path, mount]) => [path, cell(mount.type), cell(mount.accessor), cell(mount.description)]),
  );
}

function detailed(mounts: JsonObject): string {
  const config = (mount: JsonObject, name: string): string => {
    const value = isJsonObject(mount.config) ? mount.config[name] : undefined;
    return name.endsWith('_ttl') && value === 0 ? 'system' : cell(value);
  };
  return table(
    ['Path', 'Type', 'Accessor', 'Default TTL', 'Max TTL', 'Listing', 'Options', 'Description', 'UUID'],
    rows(mounts).map(([path, mount]) => [
      path,
      cell(mount.type),
      cell(mount.accessor),
      config(mount, 'default_lease_ttl'),
      config(mount, 'max_lease_ttl'),
      config(mount, 'listing_visibility'),
      cell(mount.options),
      cell(mount.description),
      cell(mount.uuid),
    ]),
  );
}

export function enableCommand(family: MountFamily): Command {
  return sessionCommand(
    {
      path: [family.word, 'enable'],
      summary: `Mount a ${family.noun.replace(/^(?=auth)/, 'new ')}`,
      operands: 'TYPE',
      arity: { min: 1, max: 1 },
      description: `Mounts a ${family.noun} by hand. One that a config repo declares is mounted by its next apply.`,
      examples: [{ command: `secretctl ${family.word} enable ${family.example}`, explanation: 'At a path of its own.' }],
      options: { ...enableOptions, ...family.more },
    },
    async ({ context, session, operands: [type = ''], options }) => {
      const path = named(family, options.text('path') ?? type);
      const description = options.text('description');
      await session.request('write', `${family.api}/${path}`, {
        type,
        config: mountConfig(options),
        options: typeOptions(options),
        ...(description === undefined ? {} : { description }),
        ...(options.given('local') ? { local: options.flag('local') } : {}),
        ...(options.given('seal-wrap') ? { seal_wrap: options.flag('seal-wrap') } : {}),
      });
      return success(context, `Enabled the ${type} ${family.noun} at: ${path}/`);
    },
  );
}

export function disableCommand(family: MountFamily, loss: string): Command {
  return sessionCommand(
    {
      path: [family.word, 'disable'],
      summary: `Unmount a ${family.noun}, and destroy what it holds`,
      operands: 'PATH',
      arity: { min: 1, max: 1 },
      description: `Unmounts a ${family.noun}: ${loss} There is no undo. A person is asked first unless -auto-approve is given.`,
      examples: [{ command: `secretctl ${family.word} disable old`, explanation: 'One that nothing needs any more.' }],
      options: { 'auto-approve': { type: 'flag', description: 'Do not ask.' } },
    },
    async ({ context, session, operands, options }) => {
      const path = named(family, operands[0]);
      if (!options.flag('auto-approve') && context.terminal.interactive)
        await session.apart(() => confirm(context, `Do you want to unmount ${family.prefix}${path}/ and destroy what it holds?`));
      await session.request('delete', `${family.api}/${path}`);
      return success(context, `Disabled the ${family.noun} (if it existed) at: ${path}/`);
    },
  );
}

export function tuneCommand(family: MountFamily): Command {
  return sessionCommand(
    {
      path: [family.word, 'tune'],
      summary: `Change settings of a ${family.noun}`,
      operands: 'PATH',
      arity: { min: 1, max: 1 },
      description: `Changes the settings that are named, and leaves the others. What a config repo declares is changed there: a change by hand is drift.`,
      examples: [{ command: `secretctl ${family.word} tune -max-lease-ttl=24h ${family.example}`, explanation: 'A limit.' }],
      options: { ...tuneOptions, ...family.more },
    },
    async ({ context, session, operands, options }) => {
      const path = named(family, operands[0]);
      const description = options.text('description');
      const type = typeOptions(options);
      await session.request('write', `${family.api}/${path}/tune`, {
        ...mountConfig(options),
        ...(description === undefined ? {} : { description }),
        ...(Object.keys(type).length === 0 ? {} : { options: type }),
      });
      return success(context, `Tuned the ${family.noun} at: ${path}/`);
    },
  );
}

export function moveCommand(family: MountFamily): Command {
  return sessionCommand(
    {
      path: [family.word, 'move'],
      summary: `Move a ${family.noun} to another path`,
      operands: 'FROM TO',
      arity: { min: 2, max: 2 },
      description: `Moves a ${family.noun} with all that it holds. Policies name paths: they must follow. To move one that a config repo declares, write a Refactor document.`,
      examples: [{ command: `secretctl ${family.word} move old new`, explanation: 'Under another path.' }],
      options: {},
    },
    async (asked) => move(asked, family),
  );
}

async function move({ context, session, operands: [from, to] }: Asked, family: MountFamily): Promise<number> {
  const source = `${family.prefix}${named(family, from)}`;
  const target = `${family.prefix}${named(family, to)}`;
  await session.request('write', 'sys/remount', { from: source, to: target });
  return success(context, `Moved ${source}/ to: ${target}/`);
}
