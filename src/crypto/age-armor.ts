import { fromBase64 } from '../base/bytes.ts';

const header = '-----BEGIN AGE ENCRYPTED FILE-----';
const footer = '-----END AGE ENCRYPTED FILE-----';
const lineLength = 64;

/**
 * The age file in an armoured block (C2SP age, "ASCII armor": strict PEM), or null for text that is none. White space
 * around the block and CRLF line ends are allowed.
 */
export function dearmor(block: string): Uint8Array | null {
  const lines = block.trim().replaceAll('\r\n', '\n').split('\n');
  if (lines.shift() !== header || lines.pop() !== footer) return null;
  const last = lines.pop();
  if (last === undefined || last.length > lineLength || last.length === 0) return null;
  if (lines.some((line) => line.length !== lineLength)) return null;
  return fromBase64([...lines, last].join(''));
}

export function armor(file: Uint8Array): string {
  const lines =
    Buffer.from(file.buffer, file.byteOffset, file.byteLength)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [header, ...lines, footer, ''].join('\n');
}
