/**
 * An error for people: what is wrong, and what to do next. `code` is stable (scripts may match it), `message` and
 * `hint` never hold a secret.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly hint: string | null;

  constructor(code: FaultCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.hint = options.hint ?? null;
  }
}

/** Every code a Fault can carry. A new one is a promise to scripts; none is ever renamed. */
export type FaultCode =
  // storage
  | 'store-missing'
  | 'store-exists'
  | 'store-locked'
  | 'store-format'
  | 'store-truncated'
  | 'store-full'
  | 'store-io'
  | 'store-fenced'
  | 'store-conflict'
  | 'value-too-large'
  | 'key-too-long'
  | 'snapshot'
  // barrier and seal
  | 'sealed'
  | 'corrupt-record'
  | 'unknown-term'
  | 'seal-key-missing'
  | 'seal-key-permissions'
  | 'seal-key-wrong'
  | 'seal-key-disabled'
  | 'seal-denied'
  | 'seal-unavailable'
  | 'seal-migration'
  | 'share-invalid'
  | 'share-duplicate'
  | 'share-mixed'
  | 'share-too-few'
  | 'already-initialized'
  // audit
  | 'audit-unavailable'
  | 'audit-corrupt'
  | 'audit-truncated'
  | 'audit-fork'
  // desired state, plan and apply
  | 'diagnostics'
  | 'plan-stale'
  | 'plan-file'
  | 'plan-refused'
  | 'not-interactive'
  | 'cancelled'
  | 'declined'
  // client
  | 'unreachable'
  | 'tls'
  | 'timeout'
  | 'outcome-unknown'
  // what an apply has left to be done outside is not done
  | 'outside'
  // server
  | 'listen'
  // command line
  | 'usage'
  | 'settings'
  | 'token-missing'
  | 'token-permissions'
  | 'request-failed'
  | 'file';
