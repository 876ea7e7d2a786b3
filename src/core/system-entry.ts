import type { JsonObject } from '../base/json.ts';
import type { Mount } from './mount-type.ts';
import type { AuditEntry } from './ports.ts';

/** An entry of the audit log that no request caused; `facts` hold no secret. */
export function systemEntry(facts: JsonObject, mount: Mount | null = null): AuditEntry {
  return { type: 'system', request: null, verb: null, mount, auth: null, reply: null, error: null, facts };
}
