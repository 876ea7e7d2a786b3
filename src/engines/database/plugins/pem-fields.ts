import { createPrivateKey, X509Certificate } from 'node:crypto';
import { badRequest } from '../../../protocol/request-error.ts';

/** What a TLS connection is made with, in PEM; '': without it. */
interface PemFields {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Throws RequestError 400 that names the field which can't be used. `names`: those of the fields, as they were sent. */
export function checkPem({ ca, certificate, key }: PemFields, names: Readonly<Record<keyof PemFields, string>>): void {
  for (const each of ca.split(/(?<=-----END CERTIFICATE-----)\s*/))
    if (each.trim() !== '') parse(names.ca, each, readCertificate);
  if ((certificate === '') !== (key === '')) {
    throw badRequest(`${names.certificate} and ${names.key} belong together: one is there, the other is not`);
  }
  if (certificate === '') return;
  const own = parse(names.certificate, certificate, readCertificate);
  if (own.checkPrivateKey(parse(names.key, key, createPrivateKey))) return;
  throw badRequest(`${names.key} is not the key of ${names.certificate}`);
}

const readCertificate = (pem: string): X509Certificate => new X509Certificate(pem);

function parse<T>(name: string, pem: string, as: (pem: string) => T): T {
  try {
    return as(pem);
  } catch {
    throw badRequest(`${name} can't be read: it is not PEM, or not of what belongs there`);
  }
}
