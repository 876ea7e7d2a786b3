import { fromBase64, fromUtf8 } from '../base/bytes.ts';
import { badRequest } from '../protocol/request-error.ts';
import { HclError } from './hcl-error.ts';

/** The text of a policy as clients send it: as it is, or as base64. Throws RequestError 400 for bytes that are no text. */
export function sentText(sent: string): string {
  const bytes = fromBase64(sent.replace(/[\r\n]/g, ''));
  if (bytes === null) return sent;
  try {
    return fromUtf8(bytes);
  } catch {
    throw badRequest("'policy' is base64 of bytes that are not UTF-8 text");
  }
}

/** Runs `work` with its HclErrors told to the client: where the text is wrong, and what is. */
export async function reportingText<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HclError) throw badRequest(`failed to parse policy: ${error.message}`);
    throw error;
  }
}
