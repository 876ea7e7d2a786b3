/**
 * A request that is refused. `status` is the HTTP status of the Vault API, `errors` its list of messages (they reach
 * the client as they are, so they hold no secret; clients match some of them word for word). An empty list with 404
 * is Vault's way to say "nothing there".
 */
export class RequestError extends Error {
  readonly status: number;
  readonly errors: readonly string[];
  /** Headers of the answer, such as `Retry-After` (seconds) of a 429 or 503. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    errors: readonly string[] | string,
    options?: { cause?: unknown; headers?: Readonly<Record<string, string>> },
  ) {
    const list = typeof errors === 'string' ? [errors] : errors;
    super(list.join('; ') || `status ${status}`, options);
    this.name = 'RequestError';
    this.status = status;
    this.errors = list;
    this.headers = options?.headers ?? {};
  }
}

export function badRequest(message: string): RequestError {
  return new RequestError(400, message);
}

export function permissionDenied(): RequestError {
  return new RequestError(403, 'permission denied');
}

/** Nothing at this path: 404 with an empty list of errors, as a missing secret or an empty list answers. */
export function notFound(): RequestError {
  return new RequestError(404, []);
}

/**
 * No mount at this path. The Vault API answers 400 with a text that clients match, where it says 404 for all else;
 * whoever only asks whether something is there treats it as such.
 */
export class MissingMount extends RequestError {
  constructor(message: string) {
    super(400, message);
    this.name = 'MissingMount';
  }
}
