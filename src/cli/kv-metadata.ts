import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Command, Option, Options } from './command.ts';
import { confirm } from './confirm.ts';
import { type KvWork, pathOperand, secretCommand, shownPath } from './kv-command.ts';
import { type KvPath, needVersion2 } from './kv-mount.ts';
import { keyValues, nothing, printJson } from './output.ts';
import { pairs, success } from './session-command.ts';

const settings: Record<string, Option> = {
  'max-versions': { type: 'number', value: 'N', description: 'How many versions are kept (0: as the mount says).' },
  'cas-required': { type: 'flag', description: 'Every write must name the version it expects (-cas-required=false ends that).' },
  'delete-version-after': { type: 'text', value: 'DURATION', description: 'New versions are deleted after this time.' },
  'custom-metadata': { type: 'list', value: 'KEY=VALUE', description: 'Text of your own; can be given several times.' },
};

function metadataCommand(command: Omit<Command, 'run' | 'operands' | 'arity'>, work: KvWork): Command {
  return secretCommand({ ...command, ...pathOperand }, (context, session, kv, options, body) => {
    needVersion2(kv, command.path.join(' '));
    return work(context, session, kv, options, body);
  });
}

const at = (kv: KvPath): string => `${kv.mount}/metadata/${kv.path}`;

export const get = metadataCommand(
  {
    path: ['kv', 'metadata', 'get'],
    summary: 'Show the versions and settings of a secret',
    description: 'Shows settings and versions of a secret, never its data. Exit code 2: there is none.',
    examples: [{ command: 'secretctl kv metadata get kv/app/db', explanation: 'Which versions there are.' }],
    options: {},
  },
  async (context, session, kv) => {
    const data = await session.read(at(kv));
    if (data === null) return nothing(context, `No value found at ${at(kv)}`);
    if (context.json) printJson(context, data);
    else {
      const { versions, ...rest } = data;
      context.terminal.out(`== Metadata Path ==\n${at(kv)}\n\n== Metadata ==\n${keyValues(rest)}`);
      for (const [number, version] of Object.entries(isJsonObject(versions) ? versions : {})) {
        context.terminal.out(`\n== Version ${number} ==\n${keyValues(isJsonObject(version) ? version : {})}`);
      }
    }
    return 0;
  },
);

function body(options: Options): JsonObject {
  const data: Record<string, Json> = {};
  const maxVersions = options.number('max-versions');
  if (maxVersions !== undefined) data.max_versions = maxVersions;
  if (options.given('cas-required')) data.cas_required = options.flag('cas-required');
  const after = options.text('delete-version-after');
  if (after !== undefined) data.delete_version_after = after;
  const custom = pairs(options, 'custom-metadata');
  if (Object.keys(custom).length > 0) data.custom_metadata = custom;
  return data;
}

export const put = metadataCommand(
  {
    path: ['kv', 'metadata', 'put'],
    summary: 'Set the settings of a secret',
    description: 'Sets settings; custom metadata is replaced as a whole. The secret need not exist yet.',
    examples: [
      {
        command: 'secretctl kv metadata put -max-versions=5 -custom-metadata=owner=payments kv/app/db',
        explanation: 'Keep five versions, name the owner.',
      },
    ],
    options: settings,
  },
  async (context, session, kv, options) => {
    await session.request('write', at(kv), body(options));
    return success(context, `Metadata written to: ${at(kv)}`);
  },
);

export const patch = metadataCommand(
  {
    path: ['kv', 'metadata', 'patch'],
    summary: 'Change some settings of a secret',
    description: 'Changes settings; custom metadata is merged.',
    examples: [
      { command: 'secretctl kv metadata patch -custom-metadata=owner=platform kv/app/db', explanation: 'Change one entry.' },
    ],
    options: settings,
  },
  async (context, session, kv, options) => {
    try {
      await session.request('patch', at(kv), body(options));
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return nothing(context, `No value found at ${at(kv)}`);
      throw error;
    }
    return success(context, `Metadata written to: ${at(kv)}`);
  },
);

export const remove = metadataCommand(
  {
    path: ['kv', 'metadata', 'delete'],
    summary: 'Remove a secret with all its versions',
    description: 'Removes a secret, all its versions and its metadata for good; asks first unless -auto-approve is given.',
    examples: [{ command: 'secretctl kv metadata delete kv/app/old', explanation: 'Nothing of it remains.' }],
    options: { 'auto-approve': { type: 'flag', description: 'Do not ask.' } },
  },
  async (context, session, kv, options) => {
    if (!options.flag('auto-approve'))
      await session.apart(() => confirm(context, `Do you want to remove ${shownPath(kv)} with all its versions, for good?`));
    await session.request('delete', at(kv));
    return success(context, `Metadata and all versions deleted (if they existed): ${at(kv)}`);
  },
);
