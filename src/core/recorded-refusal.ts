import { RequestError } from '../protocol/request-error.ts';

/**
 * A refusal that leaves a trace: what the handler wrote before it threw this is committed, such as the count of failed
 * logins. In an apply nothing is kept, as after any refusal.
 */
export class RecordedRefusal extends RequestError {
  constructor(refusal: RequestError) {
    super(refusal.status, refusal.errors, { cause: refusal });
    this.name = 'RecordedRefusal';
  }
}
