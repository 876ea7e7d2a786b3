// The pieces that are called most, each beside the obvious way to do the same.
import { createHmac, randomBytes } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { armor, Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { parseAllDocuments } from 'yaml';
import { KeyedHash } from '../../dist/crypto/keyed-hash.js';
import { canonicalJson } from '../../dist/base/json.js';
import { systemRandom } from '../../dist/base/random.js';
import { open, seal } from '../../dist/crypto/aead.js';
import { sealedOpener, sealValue } from '../../dist/crypto/sealed-value.js';
import { parseDocuments } from '../../dist/desired/document.js';
import { documents } from './documents.mjs';
import { latencies } from './measure.mjs';
import { alternating } from './storage.mjs';
import { row } from './table.mjs';

export async function crypto() {
  const key = systemRandom.bytes(32);
  const message = new Uint8Array(randomBytes(512));
  const associated = new Uint8Array(randomBytes(100));
  const sealed = seal(key, message, associated, systemRandom);
  const noble = (nonce) => xchacha20poly1305(key, nonce, associated);
  const hashes = new KeyedHash(key);
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const block = await sealValue([recipient], {
    v: 1,
    address: ['StaticSecret', 'kv', 'app'],
    field: 'data.password',
    value: 'canary',
  });
  const file = armor.decode(block);
  const openBlock = await sealedOpener([identity]);
  const [, , , , { text }] = await documents({ count: 200, sealed: 0, recipient });
  const value = parseDocuments(text).documents[0].value;
  const cases = [
    [
      'seal a record of 512 bytes',
      20_000,
      () => seal(key, message, associated, systemRandom),
      'noble',
      () => noble(systemRandom.bytes(24)).encrypt(message),
    ],
    [
      'open a record of 512 bytes',
      20_000,
      () => open(key, sealed, associated),
      'noble',
      () => noble(sealed.subarray(0, 24)).decrypt(sealed.subarray(24)),
    ],
    [
      'keyed hash of an audited value',
      50_000,
      () => hashes.of('some value of a secret'),
      'createHmac',
      () => createHmac('sha256', key).update('s"some value of a secret"').digest('hex'),
    ],
    ['canonical JSON of a document', 50_000, () => canonicalJson(value), 'JSON.stringify', () => JSON.stringify(value)],
    [
      'parse a YAML document',
      2000,
      () => parseDocuments(text),
      'yaml',
      () => parseAllDocuments(text).map((document) => document.toJS()),
    ],
    ['open a sealed value', 300, () => openBlock(block), 'age-encryption', () => openAge(identity, file)],
  ];
  const rows = [];
  for (const [what, count, ours, name, theirs] of cases) {
    const [{ rate }, { rate: other }] = await alternating(
      () => latencies(count, 1, ours),
      () => latencies(count, 1, theirs),
    );
    rows.push(row('crypto', what, '/s', rate, { baseline: { what: name, value: other } }));
  }
  return rows;
}

function openAge(identity, file) {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(file, 'text');
}
