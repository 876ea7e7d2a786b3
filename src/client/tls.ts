import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import type { Setting } from './variable.ts';

/** How a server proves who it is, and how we do. */
export interface TlsSettings {
  /** PEM texts of the authorities that count; null: those that Node brings. */
  readonly ca: readonly string[] | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** The name that the certificate must hold, where it is not the host's. */
  readonly serverName: string | null;
  /** False: whoever stands between sees everything, tokens included. */
  readonly verify: boolean;
}

/** Where the parts of TlsSettings come from. */
export interface TlsSources {
  readonly caFile: Setting | null;
  readonly caText: Setting | null;
  readonly caFolder: Setting | null;
  readonly certFile: Setting | null;
  readonly keyFile: Setting | null;
  readonly serverName: Setting | null;
  readonly skipVerify: boolean;
}

/** Reads the files. `cwd`: what relative names are relative to. Throws Fault `file` or `tls`. */
export function tlsSettings(sources: TlsSources, cwd: string): TlsSettings {
  const { certFile, keyFile } = sources;
  if ((certFile === null) !== (keyFile === null))
    throw new Fault('tls', 'a client certificate needs its key, and a key its certificate', {
      hint: 'Give both -client-cert and -client-key (VAULT_CLIENT_CERT, VAULT_CLIENT_KEY).',
    });
  const settings = {
    ca: authorities(sources, cwd),
    cert: certFile === null ? null : pemFile(certFile, cwd),
    key: keyFile === null ? null : pemFile(keyFile, cwd),
    serverName: sources.serverName?.value ?? null,
    verify: !sources.skipVerify,
  };
  checkPair(settings, certFile?.origin ?? '');
  return settings;
}

function authorities({ caFile, caText, caFolder }: TlsSources, cwd: string): readonly string[] | null {
  if (caFile !== null) return [pemFile(caFile, cwd)];
  if (caText !== null) return [checkedPem(caText.value, caText.origin)];
  if (caFolder === null) return null;
  const folder = resolve(cwd, caFolder.value);
  let names: string[];
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    throw new Fault('file', `the folder of ${caFolder.origin} can't be read: ${ioReason(error)}`);
  }
  const texts = names.map((name) => text(join(folder, name), caFolder.origin)).filter((pem) => pem.includes(begin));
  if (texts.length === 0) throw new Fault('tls', `the folder of ${caFolder.origin} holds no certificate`);
  return texts;
}

const begin = '-----BEGIN ';

function pemFile({ value, origin }: Setting, cwd: string): string {
  return checkedPem(text(resolve(cwd, value), origin), origin);
}

function text(path: string, origin: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Fault('file', `the file of ${origin} can't be read: ${ioReason(error)}`);
  }
}

function checkedPem(pem: string, origin: string): string {
  if (!pem.includes(begin)) throw new Fault('tls', `what ${origin} names is no certificate or key in PEM form`);
  return pem;
}

/** What OpenSSL thinks of it, said now and not in the middle of a handshake. The cause is left out: it may quote the key. */
function checkPair({ ca, cert, key }: TlsSettings, origin: string): void {
  try {
    createSecureContext({ ...(ca === null ? {} : { ca: [...ca] }), ...(cert === null || key === null ? {} : { cert, key }) });
  } catch {
    throw new Fault(
      'tls',
      cert === null
        ? 'the certificates of the authorities are not readable'
        : `the certificate of ${origin} and its key do not fit together, or can't be read`,
    );
  }
}
