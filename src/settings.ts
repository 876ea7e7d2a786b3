import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { parseDuration } from './base/duration.ts';
import { Fault } from './base/error.ts';
import { ioCode, ioReason } from './base/io-reason.ts';
import { isJsonObject, type Json, type JsonObject } from './base/json.ts';
import { plainDocuments } from './desired/plain-documents.ts';
import { compileSchema } from './kinds/validate.ts';
import { settingsSchema } from './settings-schema.ts';

/** The settings of one store: `settings.yaml` in its directory. They hold no secret. */
export interface Settings {
  readonly storage: { readonly type: 'lmdb'; readonly path: string };
  readonly seal: SealSettings & { readonly migrateFrom: SealSettings | null };
  /** Audit sinks by name. */
  readonly audit: Readonly<Record<string, SinkSettings>>;
  readonly server: ServerSettings;
}

export interface SealSettings {
  readonly type: string;
  /** The other members, as the seal type reads them; those of a map as `map.key`. */
  readonly options: Readonly<Record<string, string>>;
}

interface SinkSettings {
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
}

interface ServerSettings {
  readonly listeners: readonly ListenerSettings[];
  readonly clusterName: string | null;
  /** The path of the unix socket. */
  readonly socket: string;
  readonly limits: {
    readonly maxBodyBytes: number | null;
    /** Seconds. */
    readonly requestTimeout: number | null;
    readonly maxConnections: number | null;
  };
  readonly allowUnauthenticated: readonly string[];
  /** Seconds. */
  readonly shutdownGrace: number;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'text' | 'json' | null };
  readonly telemetry: { readonly unauthenticatedMetrics: boolean; readonly otlpEndpoint: string | null };
}

export interface ListenerSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsSettings | null;
  readonly trustedProxies: readonly string[];
}

/** Paths as they are written. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string | null;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

export const settingsFile = 'settings.yaml';

export function defaultSettings(sealType: string): Settings {
  return {
    storage: { type: 'lmdb', path: 'store' },
    seal: { type: sealType, options: {}, migrateFrom: null },
    audit: { file: { type: 'file', options: { path: 'audit/audit.log' } } },
    server: serverSettings('', {}),
  };
}

/** The text of a new settings file. */
export function settingsText(settings: Settings): string {
  const { storage, seal, audit } = settings;
  const flow = (object: JsonObject) =>
    `{ ${Object.entries(object)
      .map(([name, value]) => `${name}: ${/^[\w./-]+$/.test(String(value)) ? String(value) : JSON.stringify(value)}`)
      .join(', ')} }`;
  const sinks = Object.entries(audit).map(([name, { type, options }]) => `  ${name}: ${flow({ type, ...options })}\n`);
  return (
    '# The settings of this store. Paths are relative to this file.\n' +
    `storage: ${flow(storage)}\n` +
    `seal: ${flow({ type: seal.type, ...seal.options })}\n` +
    '# Audit sinks: enabled and disabled by name, with AuditDevice documents or sys/audit; where they write to stands only here.\n' +
    `audit:\n${sinks.join('')}`
  );
}

/** Throws Fault `settings` that says where and what is wrong, `store-missing` where there is no settings file. */
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
  return parseSettings(path, text);
}

async function parseSettings(path: string, text: string): Promise<Settings> {
  let value: unknown;
  try {
    const plain = plainDocuments(text);
    // Every command starts here, and the parser takes longer to load than all else together takes to run.
    value = plain?.length === 1 ? plain[0] : (await import('yaml')).parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw wrong(path, (error as Error).message.split('\n')[0] ?? 'it is no YAML');
  }
  if (!isJsonObject(value)) throw wrong(path, 'it holds no settings');
  if (!compileSchema(settingsSchema)(value)) {
    const { explainSettings } = await import('./settings-problem.ts');
    throw new Fault('settings', explainSettings(path, text, value), { hint: howTo });
  }
  return settingsOf(path, value);
}

function settingsOf(path: string, value: JsonObject): Settings {
  const { migrateFrom, ...seal } = value.seal as JsonObject;
  return {
    storage: value.storage as unknown as Settings['storage'],
    seal: {
      ...sealSettings(path, seal),
      migrateFrom: migrateFrom === undefined ? null : sealSettings(path, migrateFrom as JsonObject),
    },
    audit: Object.fromEntries(Object.entries(value.audit as JsonObject).map(([name, sink]) => [name, typed(sink as JsonObject)])),
    server: serverSettings(path, (value.server ?? {}) as JsonObject),
  };
}

/** The place of a key file is relative to the settings, wherever the process was started. */
function sealSettings(path: string, value: JsonObject): SealSettings {
  const { type, options } = typed(value);
  const { keyFile } = options;
  return { type, options: keyFile === undefined ? options : { ...options, keyFile: resolve(dirname(path), keyFile) } };
}

function typed({ type, ...options }: JsonObject): SealSettings {
  const texts = Object.entries(options).flatMap(([name, option]) =>
    isJsonObject(option)
      ? Object.entries(option).map(([key, value]) => [`${name}.${key}`, String(value)] as const)
      : [[name, String(option)] as const],
  );
  return { type: String(type), options: Object.fromEntries(texts) };
}

function serverSettings(path: string, value: JsonObject): ServerSettings {
  const limits = (value.limits ?? {}) as JsonObject;
  const log = (value.log ?? {}) as JsonObject;
  const telemetry = (value.telemetry ?? {}) as JsonObject;
  const listeners = (value.listeners ?? [{ address: '127.0.0.1:8200' }]) as readonly JsonObject[];
  return {
    listeners: listeners.map((listener, index) => listenerSettings(path, listener, index)),
    clusterName: textOrNull(value.clusterName),
    socket: textOrNull(value.socket) ?? 'server.sock',
    limits: {
      maxBodyBytes: (limits.maxBodyBytes as number | undefined) ?? null,
      requestTimeout: limits.requestTimeout === undefined ? null : parseDuration(limits.requestTimeout),
      maxConnections: (limits.maxConnections as number | undefined) ?? null,
    },
    allowUnauthenticated: (value.allowUnauthenticated ?? []) as readonly string[],
    shutdownGrace: value.shutdownGrace === undefined ? 10 : (parseDuration(value.shutdownGrace) ?? 10),
    log: {
      level: (log.level ?? 'info') as ServerSettings['log']['level'],
      format: (log.format ?? null) as ServerSettings['log']['format'],
    },
    telemetry: {
      unauthenticatedMetrics: telemetry.unauthenticatedMetrics === true,
      otlpEndpoint: textOrNull(telemetry.otlpEndpoint),
    },
  };
}

function listenerSettings(path: string, value: JsonObject, index: number): ListenerSettings {
  const { host, port } = splitAddress(String(value.address));
  const tls = value.tls as JsonObject | undefined;
  if (tls === undefined && value.plaintext !== true && !isLoopback(host)) {
    throw new Fault('settings', `${path}: server.listeners[${index}] would serve other machines without TLS`, {
      hint: 'Give it a certificate under tls, or say plaintext: true where a proxy in front of it speaks TLS.',
    });
  }
  return {
    host,
    port,
    tls:
      tls === undefined
        ? null
        : {
            certFile: String(tls.certFile),
            keyFile: String(tls.keyFile),
            clientCaFile: textOrNull(tls.clientCaFile),
            minVersion: tls.minVersion === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2',
          },
    trustedProxies: (value.trustedProxies ?? []) as readonly string[],
  };
}

/** `HOST:PORT` in its parts; an IPv6 address without its brackets. Throws Fault `settings`. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host = '', digits = ''] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (bare === '' || digits === '' || port > 65_535) {
    throw new Fault('settings', `"${address}" is no address to listen at`, { hint: 'HOST:PORT, as in 127.0.0.1:8200.' });
  }
  return { host: bare, port };
}

function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === '::1' || host === 'localhost';
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

const howTo = 'The file that init writes shows the form; schemas/settings.json describes every setting.';

function wrong(path: string, what: string): Fault {
  return new Fault('settings', `${path}: ${what}`, { hint: howTo });
}
