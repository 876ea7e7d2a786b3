import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from './base/error.ts';
import { ioCode, ioReason } from './base/io-reason.ts';
import { isJsonObject, type Json } from './base/json.ts';
import { plainDocuments } from './desired/plain-documents.ts';

/** The settings of one store: `settings.yaml` in its directory. What they name is made at `init`; they hold no secret. */
export interface Settings {
  readonly storage: { readonly type: 'lmdb'; readonly path: string };
  readonly seal: { readonly type: string; readonly keyFile: string | null };
  /** Audit sinks by name. */
  readonly audit: Readonly<Record<string, { readonly type: 'file'; readonly path: string }>>;
}

export const settingsFile = 'settings.yaml';

export function defaultSettings(sealType: string): Settings {
  return {
    storage: { type: 'lmdb', path: 'store' },
    seal: { type: sealType, keyFile: null },
    audit: { file: { type: 'file', path: 'audit/audit.log' } },
  };
}

/** The text of a new settings file. */
export function settingsText(settings: Settings): string {
  const { storage, seal, audit } = settings;
  const sinks = Object.entries(audit).map(([name, sink]) => `  ${name}: { type: ${sink.type}, path: ${sink.path} }\n`);
  return (
    '# The settings of this store. Paths are relative to this file.\n' +
    `storage: { type: ${storage.type}, path: ${storage.path} }\n` +
    `seal: { type: ${seal.type}${seal.keyFile === null ? '' : `, keyFile: ${JSON.stringify(seal.keyFile)}`} }\n` +
    '# Audit sinks: enabled and disabled by name, with AuditDevice documents or sys/audit; where they write to stands only here.\n' +
    `audit:\n${sinks.join('')}`
  );
}

/** Throws Fault `settings` that names the file and what is wrong in it. */
export async function readSettings(directory: string): Promise<Settings> {
  const path = join(directory, settingsFile);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (ioCode(error) !== 'ENOENT') throw new Fault('settings', `${path} can't be read: ${ioReason(error)}`, { cause: error });
    throw new Fault('store-missing', `there is no store in ${directory}: it has no ${settingsFile}`, {
      hint: 'Make a store with: secretctl init DIR',
    });
  }
  let value: unknown;
  try {
    const plain = plainDocuments(text);
    // Every command starts here, and the parser takes longer to load than all else together takes to run.
    value = plain?.length === 1 ? plain[0] : (await import('yaml')).parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw wrong(path, (error as Error).message.split('\n')[0] ?? 'it is no YAML');
  }
  if (!isJsonObject(value)) throw wrong(path, 'it holds no settings');
  for (const key of Object.keys(value))
    if (!['storage', 'seal', 'audit'].includes(key)) throw wrong(path, `unknown setting "${key}"`);
  const storage = section(path, value.storage, 'storage', ['type', 'path']);
  const seal = section(path, value.seal, 'seal', ['type', 'keyFile']);
  if (storage.type !== 'lmdb') throw wrong(path, 'storage.type must be lmdb');
  if (!isJsonObject(value.audit)) throw wrong(path, 'audit must declare a sink at least');
  const sinks = Object.entries(value.audit).map(([name, sink]) => {
    const declared = section(path, sink, `audit.${name}`, ['type', 'path']);
    if (declared.type !== 'file') throw wrong(path, `audit.${name}.type must be file`);
    return [name, { type: 'file' as const, path: required(path, declared.path, `audit.${name}.path`) }] as const;
  });
  return {
    storage: { type: 'lmdb', path: required(path, storage.path, 'storage.path') },
    seal: { type: required(path, seal.type, 'seal.type'), keyFile: seal.keyFile ?? null },
    audit: Object.fromEntries(sinks),
  };
}

function section(
  path: string,
  value: Json | undefined,
  name: string,
  keys: readonly string[],
): Readonly<Record<string, string | undefined>> {
  if (!isJsonObject(value)) throw wrong(path, `${name} is missing`);
  for (const [key, entry] of Object.entries(value)) {
    if (!keys.includes(key)) throw wrong(path, `unknown setting "${name}.${key}"`);
    if (typeof entry !== 'string') throw wrong(path, `${name}.${key} must be text`);
  }
  return value as Readonly<Record<string, string>>;
}

function required(path: string, value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw wrong(path, `${name} is missing`);
  return value;
}

function wrong(path: string, what: string): Fault {
  return new Fault('settings', `${path}: ${what}`, { hint: 'The file that init writes shows the form.' });
}
