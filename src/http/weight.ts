import type { IncomingMessage } from 'node:http';

/** Of the objects that stand for a request and its answer. */
const fixed = 4096;
/** Of a string, besides its characters. */
const perString = 32;
/** A body that nobody reads is not taken from the network any more once so much of it came. */
const maxBody = 64 * 1024;

/** About how many bytes a request takes up that waits: its headers, and the body that came with it. */
export function weightOf({ rawHeaders, headers, url = '' }: IncomingMessage): number {
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  const body = coding === undefined ? Math.min(Number(length ?? '0'), maxBody) : maxBody;
  return rawHeaders.reduce((sum, text) => sum + text.length + perString, fixed + url.length + body);
}
