import { addressText } from '../protocol/managed.ts';
import { addressKey, compareKeys } from './address.ts';
import { type Paint, plain } from './paint.ts';
import { type Plan, type PlanChange, visibleChanges } from './plan.ts';
import type { PlanNote, PlanProblem } from './problem.ts';
import { visible } from './quote.ts';
import { importCommand } from './refusal.ts';
import { renderChange, renderDrift, symbolOf } from './render-object.ts';
import { planSummary } from './summary.ts';

const rule = '─'.repeat(77);

/** A plan as people read it, in the conventions of Terraform. Ends in a line break. */
export function renderPlanText(plan: Plan, paint: Paint = plain): string {
  const parts: string[] = [];
  if (plan.mode === 'refresh-only') parts.push(...refreshOnly(plan, paint));
  else {
    parts.push(...driftNote(plan, paint));
    if (plan.problems.length === 0) parts.push(...changesOrNone(plan, paint));
  }
  for (const note of plan.notes) parts.push(renderNote(note, paint));
  parts.push(...unmanaged(plan, paint));
  for (const problem of plan.problems) parts.push(renderProblem(problem, paint));
  return `${parts.join('\n\n')}\n`;
}

function changesOrNone(plan: Plan, paint: Paint): readonly string[] {
  const changes = byAddress(visibleChanges(plan));
  if (changes.length === 0) return [noChanges(plan, paint)];
  const legend = legendOf(changes, paint);
  return [
    ...(legend.length === 0
      ? []
      : [`secretctl made the following plan. Actions are indicated with the following symbols:\n${legend.join('\n')}`]),
    'secretctl will perform the following actions:',
    ...changes.map((change) => renderChange(change, paint).join('\n')),
    planSummary(plan).replace(/^Plan:/, (word) => paint('bold', word)),
  ];
}

function byAddress(changes: readonly PlanChange[]): readonly PlanChange[] {
  return [...changes].sort((a, b) => compareKeys(addressKey(a.address), addressKey(b.address)));
}

const meanings = [
  ['  +', 'create', 'create'],
  ['  ~', 'update', 'update in-place'],
  ['  -', 'delete', 'destroy'],
  ['-/+', 'delete', 'destroy and then create replacement'],
  ['  .', 'forget', 'forget, without destroying it'],
] as const;

function legendOf(changes: readonly PlanChange[], paint: Paint): readonly string[] {
  const used = new Set(changes.map(symbolOf));
  return meanings.filter(([symbol]) => used.has(symbol)).map(([symbol, style, meaning]) => `${paint(style, symbol)} ${meaning}`);
}

function noChanges(plan: Plan, paint: Paint): string {
  const title = paint('bold', 'No changes.');
  if (plan.mode === 'destroy') return `${title} There is nothing to destroy: this project manages no objects.`;
  const silent = plan.changes.length;
  const records =
    silent === 0
      ? ''
      : `\n\n${wrapped(`What was changed outside of secretctl is as the documents say by now. Applying this plan only brings the store's records of ${silent} ${silent === 1 ? 'object' : 'objects'} up to date.`)}`;
  return `${title} The store matches the documents.\n\n${wrapped('secretctl has compared what is live with what the documents declare and found no differences, so there is nothing to do.')}${records}`;
}

function driftNote(plan: Plan, paint: Paint): readonly string[] {
  const drift = plan.drift.filter(({ relevant }) => relevant);
  if (drift.length === 0) return [];
  return [
    paint('bold', 'Note: Objects have changed outside of secretctl'),
    wrapped('Since the last apply somebody changed the following objects in another way, which matters to this plan:'),
    ...drift.map((one) => renderDrift(one, paint).join('\n')),
    wrapped(
      'Unless the documents say the same by now, or ignoreChanges leaves the attributes alone, the plan may undo these changes.',
    ),
    rule,
  ];
}

function refreshOnly(plan: Plan, paint: Paint): readonly string[] {
  if (plan.problems.length > 0) return [];
  if (plan.drift.length === 0) {
    return [
      `${paint('bold', 'No changes.')} The store is still as it was applied.\n\n${wrapped('secretctl has compared what is live with what was applied last and found no differences.')}`,
    ];
  }
  return [
    paint('bold', 'Note: Objects have changed outside of secretctl'),
    'Since the last apply somebody changed the following objects in another way:',
    ...plan.drift.map((drift) => renderDrift(drift, paint).join('\n')),
    'This only shows what has changed. A plan shows what an apply would do about it.',
  ];
}

function unmanaged(plan: Plan, paint: Paint): readonly string[] {
  if (plan.unmanaged.length === 0) return [];
  const mounts = plan.unmanaged.map((address) => `  - ${visible(addressText(address))}: ${visible(importCommand(address))}`);
  return [
    `${wrapped('Note: The store has mounts that no document declares and no project manages. To adopt one, declare it and import it:').replace(/^Note:/, (word) => paint('bold', word))}\n${mounts.join('\n')}`,
  ];
}

function renderNote({ summary, detail }: PlanNote, paint: Paint): string {
  return `${paint('warning', 'Warning:')} ${paint('bold', visible(summary))}\n\n${wrapped(detail.split('\n').map(visible).join('\n'))}`;
}

export function renderProblem({ message, hint, place }: PlanProblem, paint: Paint = plain): string {
  const where = place === null ? [] : [`  on ${visible(place.file)}:${place.line}:${place.column}`];
  const next = hint === null ? [] : [`  ${visible(hint)}`];
  const more = [...where, ...next];
  return `${paint('error', 'Error:')} ${paint('bold', visible(message))}${more.length === 0 ? '' : `\n\n${more.join('\n')}`}`;
}

const columns = 80;

/** Paragraphs of at most 80 columns; indented lines (lists) stay as they are. */
function wrapped(text: string): string {
  return text
    .split('\n')
    .map((line) => (line.startsWith(' ') ? line : wrappedLine(line)))
    .join('\n');
}

function wrappedLine(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
