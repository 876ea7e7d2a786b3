import { addressKey } from '../plan/address.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlanProblem } from '../plan/problem.ts';
import { jsonProblem } from '../plan/render-json.ts';
import { renderProblem } from '../plan/render-text.ts';
import { type ApplyBody, type ApplyOutcome, wouldNotWork } from '../protocol/managed.ts';
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
    const problems = failedChecks(error, plan, repo);
    if (problems.length === 0) throw error;
    show(context, problems);
    return null;
  }
}

function failedChecks(error: unknown, plan: Plan, repo: Repo | null): readonly PlanProblem[] {
  if (!(error instanceof RequestError)) return [];
  return error.errors.flatMap((message): PlanProblem[] => {
    const change = plan.changes.find(({ address }) => message.startsWith(wouldNotWork(address)));
    if (change === undefined) return [];
    const { address } = change;
    const resource = repo?.desired.resources.find(({ name }) => addressKey(name) === addressKey(address));
    return [{ code: 'would-not-work', address, message, hint: null, place: resource?.locate('/metadata/name') ?? null }];
  });
}

const next = 'Nothing was changed. Where it is right all the same, this does not try it: secretctl apply -skip-verify';

function show({ terminal, json }: CliContext, problems: readonly PlanProblem[]): void {
  if (json) {
    const message = problems.map((problem) => problem.message).join('; ');
    const error = { code: 'would-not-work', message, hint: next, problems: problems.map(jsonProblem) };
    terminal.err(`${JSON.stringify({ error })}\n`);
  } else {
    const paint = terminal.errorColour ? ansi : undefined;
    terminal.err(`\n${problems.map((problem) => renderProblem(problem, paint)).join('\n\n')}\n\n${next}\n`);
  }
}
