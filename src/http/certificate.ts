import { createSecureContext, type SecureVersion } from 'node:tls';
import { Fault } from '../base/error.ts';

/** PEM texts. */
export interface CertificateMaterial {
  /** The certificate and its intermediates. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Only clients with a certificate of these authorities get in; absent: any client. */
  readonly clientCa?: string | Buffer;
  /** TLSv1.2 unless told. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** As Node's TLS servers take them. */
export interface ContextOptions {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly minVersion: SecureVersion;
  readonly ca?: string | Buffer;
  readonly requestCert?: boolean;
  readonly rejectUnauthorized?: boolean;
}

/** Throws Fault `listen` for what is no certificate with its key. */
export function contextOptions({ cert, key, clientCa, minVersion = 'TLSv1.2' }: CertificateMaterial): ContextOptions {
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  const options = { cert, key, minVersion, ...clients };
  try {
    createSecureContext(options);
  } catch (error) {
    const { code = 'unreadable' } = error as { code?: string };
    throw new Fault('listen', `the certificate and its key can't be used: ${code}`, {
      hint: 'Both are PEM files, and the key must be that of the first certificate.',
    });
  }
  return options;
}
