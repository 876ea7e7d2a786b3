import { addressKey } from '../plan/address.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlanProblem } from '../plan/problem.ts';
import type { Kind } from '../kinds/kind.ts';
import { visible } from '../kinds/show.ts';
import { jsonProblem } from '../plan/render-json.ts';
import { renderProblem } from '../plan/render-text.ts';
import { type ApplyBody, type ApplyOutcome, couldNotBeTried, type ManagedAddress, wouldNotWork } from '../protocol/managed.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { ApplyLock } from './apply-lock.ts';
import type { CliContext } from './context.ts';
import { ansi } from './plan.ts';
import type { Repo } from './repo.ts';

/**
 * Commits an apply. Null: a check of what it plans failed outside, which is shown with the place of each document that it is
 * about. `repo`: where these are; null: a saved plan does not say. Throws what ApplyLock.apply throws.
 */
export async function applyChecked(
  context: CliContext,
  lock: ApplyLock,
  plan: Plan,
  body: ApplyBody,
  repo: Repo | null,
): Promise<ApplyOutcome | null> {
  try {
    return await lock.apply(body);
  } catch (error) {
    const problems = failedChecks(error, plan, repo, await context.kinds());
    if (problems.length === 0) throw error;
    show(context, problems, repo);
    return null;
  }
}

function failedChecks(error: unknown, plan: Plan, repo: Repo | null, kinds: readonly Kind[]): readonly PlanProblem[] {
  if (!(error instanceof RequestError)) return [];
  return error.errors.flatMap((text): PlanProblem[] => {
    const change = plan.changes.find(({ address }) => beginningOf(text, address) !== null);
    if (change === undefined) return [];
    const { address } = change;
    const resource = repo?.desired.resources.find(({ name }) => addressKey(name) === addressKey(address));
    const kind = kinds.find((each) => each.kind === address.kind);
    const { message, pointer } = inDocument(text, beginningOf(text, address) ?? '', kind);
    const place = resource?.locate(pointer === null ? '/metadata/name' : `/spec${pointer}`) ?? null;
    return [{ code: 'would-not-work', address, message, hint: null, place }];
  });
}

const beginningOf = (text: string, address: ManagedAddress): string | null =>
  [wouldNotWork(address), couldNotBeTried(address)].find((beginning) => text.startsWith(beginning)) ?? null;

/** What the API says of a member of its body (`revocation_statements[1]: …`), as of the field of the document. */
function inDocument(text: string, before: string, kind: Kind | undefined): { message: string; pointer: string | null } {
  const [whole = '', member = '', index] = /^([a-z_]+)(?:\[(\d+)\])?: /.exec(text.slice(before.length)) ?? [];
  const field = kind?.pointerOf?.(member) ?? null;
  if (field === null) return { message: text, pointer: null };
  const item = index === undefined ? '' : `[${index}]`;
  const message = `${before}${field.slice(1).replaceAll('/', '.')}${item}: ${text.slice(before.length + whole.length)}`;
  return { message, pointer: index === undefined ? field : `${field}/${index}` };
}

const nothingChanged = 'Nothing was changed.';
const withoutTrial = `${nothingChanged} What cannot be reached from here now is committed untried by: secretctl apply -skip-verify`;

function show({ terminal, json }: CliContext, problems: readonly PlanProblem[], repo: Repo | null): void {
  // What was tried and does not work is corrected; only what nobody could try may be right all the same.
  const away = problems.every(({ address, message }) => address !== null && message.startsWith(couldNotBeTried(address)));
  const next = away ? withoutTrial : nothingChanged;
  if (json) {
    const message = problems.map((problem) => problem.message).join('; ');
    const error = { code: 'would-not-work', message, hint: next, problems: problems.map(jsonProblem) };
    terminal.err(`${JSON.stringify({ error })}\n`);
  } else {
    const paint = terminal.errorColour ? ansi : undefined;
    const blocks = problems.map((problem) => `${renderProblem(problem, paint)}${lineOf(problem, repo)}`);
    terminal.err(`\n${blocks.join('\n\n')}\n\n${next}\n`);
  }
}

/** The line that it is about: a document that could be planned has no secret in plain. */
function lineOf({ place }: PlanProblem, repo: Repo | null): string {
  const text = repo?.tree.files.find(({ path }) => path === place?.file)?.text?.split('\n')[(place?.line ?? 0) - 1];
  return text === undefined ? '' : `\n  ${String(place?.line)} │ ${visible(text.slice(0, 160))}`;
}
