/** What the messages of a syslog sink have in common. */
export interface SyslogOrigin {
  /** 0 to 23, as RFC 5424 numbers them. */
  readonly facility: number;
  readonly hostname: string;
  readonly appName: string;
  /** PROCID. */
  readonly process: string;
}

/** The facilities by the names that Vault's syslog device takes. */
export const facilities: Readonly<Record<string, number>> = {
  KERN: 0,
  USER: 1,
  MAIL: 2,
  DAEMON: 3,
  AUTH: 4,
  SYSLOG: 5,
  LPR: 6,
  NEWS: 7,
  UUCP: 8,
  CRON: 9,
  AUTHPRIV: 10,
  FTP: 11,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`LOCAL${index}`, 16 + index])),
};

const informational = 6;
const newline = 0x0a;
// JCS puts these two members near the end of a line.
const placeAtEnd = /"seq":(\d{1,16}),"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\d{3}Z","type":"[^"]{1,40}"\}$/;
const endBytes = 160;

/**
 * The messages (RFC 5424, severity informational, MSGID `audit`) that carry the lines of a batch: MSG is the line, byte
 * for byte, and TIMESTAMP the line's own time. Receivers cut off what is longer than they like, so a message has `most`
 * bytes at most. A line that does not fit stands in several messages, one after the other, marked as
 * `[part@32473 line="7" n="1" of="3"]` in the structured data: their MSGs joined in the order of `n` are the line.
 */
export function syslogMessages(lines: Uint8Array, origin: SyslogOrigin, most: number): Buffer[] {
  const messages: Buffer[] = [];
  for (const line of eachLine(lines)) {
    const [, seq = '0', time] = placeAtEnd.exec(latin1(line.subarray(-endBytes))) ?? [];
    const timestamp = time === undefined ? '-' : `${time}Z`;
    const head = `<${origin.facility * 8 + informational}>1 ${timestamp} ${origin.hostname} ${origin.appName} ${origin.process} audit`;
    const whole = Buffer.from(`${head} - `, 'latin1');
    if (whole.byteLength + line.byteLength <= most) {
      messages.push(Buffer.concat([whole, line]));
      continue;
    }
    const marked = (n: number, of: number): Buffer =>
      Buffer.from(`${head} [part@32473 line="${seq}" n="${n}" of="${of}"] `, 'latin1');
    const parts = cut(line, most - marked(9999, 9999).byteLength);
    for (const [index, part] of parts.entries()) messages.push(Buffer.concat([marked(index + 1, parts.length), part]));
  }
  return messages;
}

/** Octet counting, as RFC 6587 (section 3.4.1) and RFC 5425 (section 4.3) have it. */
export function octetCounted(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.byteLength} `, 'latin1'), message]);
}

/** The lines of a batch, each without its newline. */
function* eachLine(lines: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < lines.byteLength;) {
    const end = lines.indexOf(newline, start);
    yield lines.subarray(start, end);
    start = end + 1;
  }
}

/** Pieces of at most so many bytes that never divide a character of UTF-8. */
export function cut(bytes: Uint8Array, most: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.byteLength;) {
    let end = Math.min(bytes.byteLength, start + most);
    while (end < bytes.byteLength && end > start + 1 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
