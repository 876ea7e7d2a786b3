import { createHash, randomBytes, randomInt } from 'node:crypto';

/** A secret of a test, by which it would be known again wherever it went. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** One form in which a canary could stand somewhere. */
export interface Needle {
  readonly canary: string;
  readonly form: string;
  readonly bytes: Buffer;
}

/** Text that stands nowhere else: 160 random bits as letters and digits. */
export function randomWord(): string {
  return BigInt(`0x${randomBytes(20).toString('hex')}`).toString(36);
}

/** The same as a number that JSON and YAML keep whole. */
export function randomDigits(): string {
  return String(randomInt(2 ** 47, 2 ** 48 - 1));
}

/** Shorter pieces could stand somewhere by chance. */
const shortest = 9;
const pieceLength = 16;

/** Each line by its beginning and its end, so that what is cut off in a message is found too. */
function piecesOf(value: string): readonly string[] {
  const pieces = value.split(/\r?\n/).flatMap((line) => [line.slice(0, pieceLength), line.slice(-pieceLength)]);
  const long = pieces.filter((piece) => Array.from(piece).length >= shortest && piece.isWellFormed());
  return [...new Set(long)];
}

const digests = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const;

/** Everything that gives a canary away: its pieces in every usual encoding, and unkeyed digests of the whole of it. */
export function needlesOf({ name, value }: Canary): readonly Needle[] {
  return [
    ...textNeedles({ name, value }),
    ...(/^([0-9a-f]{2}){32,}$/.test(value) ? keyNeedles(name, Buffer.from(value, 'hex')) : []),
  ];
}

/** A key that is kept as hex digits could stand somewhere as the bytes that it is. */
function keyNeedles(canary: string, key: Buffer): readonly Needle[] {
  return [key.subarray(0, 16), key.subarray(-16)].flatMap((bytes) => [
    { canary, form: 'its bytes', bytes },
    ...base64Of(bytes).map((text) => ({ canary, form: 'base64 of its bytes', bytes: Buffer.from(text) })),
  ]);
}

function textNeedles({ name, value }: Canary): readonly Needle[] {
  const needles = new Map<string, Needle>();
  const add = (form: string, bytes: Buffer): void => {
    const key = bytes.toString('latin1');
    if (bytes.length >= shortest && !needles.has(key)) needles.set(key, { canary: name, form, bytes });
  };
  for (const piece of piecesOf(value)) {
    const bytes = Buffer.from(piece);
    add('itself', bytes);
    add('UTF-16', Buffer.from(piece, 'utf16le'));
    add('hex', Buffer.from(bytes.toString('hex')));
    add('hex', Buffer.from(bytes.toString('hex').toUpperCase()));
    for (const text of base64Of(bytes)) add('base64', Buffer.from(text));
    add('URL-escaped', Buffer.from(encodeURIComponent(piece)));
    const json = JSON.stringify(piece).slice(1, -1);
    add('JSON-escaped', Buffer.from(json));
    add('JSON in JSON', Buffer.from(JSON.stringify(json).slice(1, -1)));
    add(
      'JSON in ASCII',
      Buffer.from(json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)),
    );
  }
  for (const text of [value, `${value}\n`, JSON.stringify(value)]) {
    for (const algorithm of digests) {
      const digest = createHash(algorithm).update(text).digest();
      // A fingerprint is often only the beginning.
      add(`${algorithm} of it`, Buffer.from(digest.toString('hex').slice(0, 16)));
      for (const encoding of ['base64', 'base64url'] as const)
        add(`${algorithm} of it`, Buffer.from(digest.toString(encoding).slice(0, 16)));
      add(`${algorithm} of it`, digest.subarray(0, 12));
    }
  }
  return [...needles.values()];
}

/** What bytes look like inside of a longer base64 text, wherever in it they begin. */
function base64Of(bytes: Buffer): readonly string[] {
  const found: string[] = [];
  for (const before of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]);
    // Without the characters that depend on what stands before and after.
    const start = Math.ceil((before * 8) / 6);
    const end = Math.floor((padded.length * 8) / 6);
    for (const encoding of ['base64', 'base64url'] as const) found.push(padded.toString(encoding).slice(start, end));
  }
  return found;
}

/** The first needle of each canary that stands in some bytes, as `canary (form)`; `allowed` canaries aside. */
export function foundIn(bytes: Buffer, needles: readonly Needle[], allowed: ReadonlySet<string> = new Set()): readonly string[] {
  const found = new Map<string, string>();
  for (const { canary, form, bytes: needle } of needles) {
    if (allowed.has(canary) || found.has(canary) || !bytes.includes(needle)) continue;
    found.set(canary, `${canary} (${form})`);
  }
  return [...found.values()];
}
