import { ValueHash } from '../../src/audit/value-hash.ts';
import { redactedText } from '../../src/audit/redact.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../src/base/json.ts';
import { type Act, isApplyCall } from './act.ts';
import { nameOf, type Settled } from './history.ts';

/** An audit line, as far as this test looks at it. */
interface Line {
  readonly seq: number;
  readonly type: string;
  readonly error: string | null;
  readonly request: {
    readonly id?: string;
    readonly path?: string;
    readonly operation?: string;
    readonly data?: JsonObject;
    readonly facts?: JsonObject;
  } | null;
}

/** What the lines of one call come to. */
interface Told {
  readonly requests: readonly Line[];
  readonly responses: readonly Line[];
  readonly begins: readonly Line[];
  readonly commits: readonly Line[];
  readonly aborts: readonly Line[];
  /** Of the requests inside an apply. */
  readonly inner: readonly Line[];
}

export interface Agreement {
  /** One sentence for each place where the log does not agree with the store. */
  readonly problems: readonly string[];
  /** How many lines told of an apply only after the restart. */
  readonly recovered: number;
}

const looking = ['sys/managed/snapshot', 'auth/token/lookup-accessor'];

/** Compares the lines that the log got since the last comparison with what became of the calls since then. */
export function compareAudit(text: string, settled: ReadonlyMap<number, Settled>, auditKey: Uint8Array): Agreement {
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
  const problems: string[] = [];
  for (const secret of ['secret of ', 'sealed of ', 'fixed of ', 'note-of-'])
    if (text.includes(secret)) problems.push(`the log shows "${secret}…" in the clear`);
  const hashes = new ValueHash(auditKey);
  const told = assign(lines, settled, hashes, problems);
  for (const { act, outcome, answer } of settled.values()) {
    const of = (type: string, inside = false) =>
      (told.get(act) ?? []).filter((line) => line.type === type && isInner(act, line) === inside);
    const story: Told = {
      requests: of('request'),
      responses: of('response'),
      begins: of('apply-begin'),
      commits: of('apply-commit'),
      aborts: of('apply-abort'),
      inner: [...of('request', true), ...of('response', true)],
    };
    const wrong = isApplyCall(act.call) ? applyProblem(story, outcome, answer) : plainProblem(story, outcome);
    if (wrong !== null) problems.push(`${nameOf(act)} is ${outcome}, but ${wrong}: ${shape(told.get(act) ?? [])}`);
    if (!isApplyCall(act.call) && !JSON.stringify(act.call.data).includes('"$')) {
      const data = redactedText(act.call.data, hashes, [], { characters: 1_000_000 });
      const other = story.requests.find((line) => canonicalJson(line.request?.data) !== data);
      if (other !== undefined) problems.push(`line ${other.seq} does not show what ${nameOf(act)} sent`);
    }
  }
  return { problems, recovered: lines.filter((line) => line.request?.facts?.recovered === true).length };
}

/** Which call each line is about. Lines of the test's own looks are about none; any other that is, is a problem. */
function assign(
  lines: readonly Line[],
  settled: ReadonlyMap<number, Settled>,
  hashes: ValueHash,
  problems: string[],
): ReadonlyMap<Act, Line[]> {
  const byNote = new Map<string, Act>();
  for (const { act } of settled.values()) byNote.set(act.note, act).set(hashes.of(act.note), act);
  const byRequest = new Map<string, Act>();
  const actOf = ({ request }: Line): Act | undefined => {
    const digest = request?.facts?.plan_digest;
    if (typeof digest === 'string') return byNote.get(digest);
    return textsOf(request?.data ?? {})
      .map((text) => byNote.get(text))
      .find((act) => act !== undefined);
  };
  for (const line of lines) {
    const act = actOf(line);
    if (act !== undefined && line.request?.id !== undefined) byRequest.set(line.request.id, act);
  }
  const told = new Map<Act, Line[]>();
  for (const line of lines) {
    const act = actOf(line) ?? byRequest.get(line.request?.id ?? '');
    if (act !== undefined) told.set(act, [...(told.get(act) ?? []), line]);
    else if (!isOurs(line)) problems.push(`line ${line.seq} (${shape([line])}) is about no call that was made`);
  }
  return told;
}

function isOurs({ type, request }: Line): boolean {
  if (type === 'system') return request?.facts?.event === 'torn-line-removed';
  if (type !== 'request' && type !== 'response') return false;
  return request?.operation === 'read' || request?.operation === 'list' || looking.includes(request?.path ?? '');
}

const isInner = (act: Act, { request }: Line): boolean =>
  isApplyCall(act.call) && request !== null && (request.path ?? 'sys/apply') !== 'sys/apply';

function plainProblem({ requests, responses }: Told, outcome: Settled['outcome']): string | null {
  const [request, response] = [requests[0], responses[0]];
  if (requests.length > 1 || responses.length > 1) return 'the log tells of it twice';
  if (response !== undefined && (request === undefined || request.seq > response.seq))
    return 'its response comes without its request';
  switch (outcome) {
    case 'done':
      return request?.error === null && response?.error === null ? null : 'the log lacks its request or its response';
    case 'refused':
      return request === undefined || (request.error ?? response?.error ?? null) === null
        ? 'the log does not tell of a refusal'
        : null;
    case 'landed':
      return request?.error === null && (response?.error ?? null) === null ? null : 'the log does not tell of it';
    case 'absent':
      return response?.error === null ? 'the log claims it' : null;
    case 'either':
      return null;
  }
}

function applyProblem(
  { requests, begins, commits, aborts, inner }: Told,
  outcome: Settled['outcome'],
  answer: Settled['answer'],
): string | null {
  const claimed = inner.filter(({ error }) => error === null);
  if (begins.length > 1 || commits.length > 1 || aborts.length > 1) return 'the log tells of it twice';
  const order = [begins, commits, aborts].flatMap(([line]) => line?.seq ?? []);
  if (order.some((seq, index) => index > 0 && seq < (order[index - 1] ?? 0)))
    return 'the log tells of its end before its beginning';
  switch (outcome) {
    case 'done':
      if (begins.length !== 1 || commits.length !== 1 || aborts.length !== 0) return 'the log lacks its beginning or its end';
      if (commits[0]?.request?.facts?.revision !== answer?.data?.revision) return 'the log tells of another revision';
      return claimed.length === 2 * (answer?.requests ?? 0) ? null : 'the log does not tell of all its requests';
    case 'landed':
    case 'either':
      return begins.length === 1 && commits.length === 1 && aborts.length === 0 ? null : 'the log lacks its beginning or its end';
    case 'refused':
      if (commits.length > 0 || claimed.length > 0) return 'the log claims it';
      if (begins.length === 0) return requests.some(({ error }) => error !== null) ? null : 'the log does not tell of a refusal';
      return aborts.length === 1 ? null : 'the log does not tell of its end';
    case 'absent':
      return commits.length > 0 || claimed.length > 0 ? 'the log claims it' : null;
  }
}

function shape(lines: readonly Line[]): string {
  return lines.length === 0
    ? 'no line'
    : lines
        .map(({ seq, type, error, request }) => `${seq} ${type} ${request?.path ?? ''}${error === null ? '' : ' refused'}`)
        .join(', ');
}

function textsOf(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(textsOf);
  return isJsonObject(value) ? Object.values(value).flatMap(textsOf) : [];
}
