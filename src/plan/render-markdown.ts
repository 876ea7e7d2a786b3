import { addressText } from '../protocol/managed.ts';
import { addressKey, compareKeys } from './address.ts';
import { plain } from './paint.ts';
import { type Drift, type Plan, type PlanChange, visibleChanges } from './plan.ts';
import { visible } from './quote.ts';
import { renderChange, renderDrift } from './render-object.ts';
import { planSummary } from './summary.ts';

export interface MarkdownOptions {
  /** Characters; a comment on GitHub ends at 65,536. */
  readonly maxLength: number;
}

/**
 * A plan as a comment on a pull request: the summary, then each object folded. Where it would be longer than allowed,
 * details are left out from the end, and it says how many; the summary, problems and warnings come first.
 */
export function renderPlanMarkdown(plan: Plan, options: MarkdownOptions = { maxLength: 60_000 }): string {
  const head = headOf(plan);
  const drift = plan.drift.filter(({ relevant }) => relevant);
  const sections: Section[] = [
    ...group('Destroyed', plan, (change) => change.action === 'delete' || change.action === 'replace'),
    ...group('Created', plan, (change) => change.action === 'create'),
    ...group('Changed', plan, (change) => change.modifies && ['update', 'record', 'import', 'move'].includes(change.action)),
    ...group('Adopted, moved or forgotten', plan, (change) => !change.modifies),
    ...(drift.length === 0 ? [] : [{ title: 'Changed outside of secretctl', entries: drift.map(driftEntry) }]),
  ];
  const blocks: string[] = [cut(head, options.maxLength)];
  let length = blocks[0]?.length ?? 0;
  let left = 0;
  // Room for the line that says what is missing.
  const room = options.maxLength - 100;
  for (const { title, entries } of sections) {
    let titled = false;
    for (const entry of entries) {
      const block = titled ? `\n${entry}` : `\n### ${title}\n\n${entry}`;
      if (length + block.length > room) {
        left += 1;
        continue;
      }
      titled = true;
      blocks.push(block);
      length += block.length;
    }
  }
  if (left > 0)
    blocks.push(`\n_${left} more ${left === 1 ? 'object is' : 'objects are'} left out here; \`secretctl plan\` shows them._\n`);
  return blocks.join('');
}

interface Section {
  readonly title: string;
  readonly entries: readonly string[];
}

function headOf(plan: Plan): string {
  const environment = plan.environment === null ? '' : ` for ${code(plan.environment)}`;
  const lines = [`## secretctl plan of ${code(plan.project)}${environment}`, '', verdict(plan), ''];
  for (const { message, hint } of plan.problems) {
    lines.push(`- :x: ${escaped(message)}${hint === null ? '' : `: ${escaped(hint)}`}`);
  }
  for (const { summary } of plan.notes) lines.push(`- :warning: ${escaped(summary)}`);
  const unmanaged = plan.unmanaged.map((address) => code(addressText(address)));
  if (unmanaged.length > 0) lines.push(`- Mounts that nobody manages: ${unmanaged.join(', ')}`);
  lines.push('', `Config revision ${plan.revision}, commit ${code(plan.commit)}.`, '');
  return lines.join('\n');
}

function verdict(plan: Plan): string {
  if (plan.problems.length > 0) return '**The plan cannot be applied.**';
  if (plan.mode === 'refresh-only') {
    return plan.drift.length === 0
      ? '**No changes** outside of secretctl.'
      : `**${plan.drift.length} changed outside of secretctl.**`;
  }
  return visibleChanges(plan).length === 0 ? '**No changes.** The store matches the documents.' : `**${planSummary(plan)}**`;
}

function group(title: string, plan: Plan, matches: (change: PlanChange) => boolean): readonly Section[] {
  const entries = visibleChanges(plan)
    .filter(matches)
    .sort((a, b) => compareKeys(addressKey(a.address), addressKey(b.address)))
    .map((change) => folded(addressText(change.address), renderChange(change, plain)));
  return entries.length === 0 ? [] : [{ title, entries }];
}

function driftEntry(drift: Drift): string {
  return folded(addressText(drift.address), renderDrift(drift, plain));
}

/** One object, closed until somebody opens it, in the colours of a diff. */
function folded(title: string, lines: readonly string[]): string {
  const body = lines.map(diffLine).join('\n');
  const fence = '`'.repeat(Math.max(3, 1 + longestRun(body)));
  return `<details><summary>${escapedHtml(title)}</summary>\n\n${fence}diff\n${body}\n${fence}\n\n</details>\n`;
}

/** A diff is coloured by its first column, so the symbol of a line goes there. */
function diffLine(line: string): string {
  const found = /^( *)(-\/\+|[-+~])( .*)$/.exec(line);
  if (found === null) return line;
  const [, indent = '', symbol = '', rest = ''] = found;
  const first = symbol === '+' ? '+' : symbol === '~' ? '!' : '-';
  return `${first}${indent}${symbol === '-/+' ? '/+' : ''}${rest}`;
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}

/** Text that is only text: neither HTML nor Markdown, nor a mention of anyone. */
function escaped(text: string): string {
  return escapedHtml(text.replace(/[\\`*_[\]|~#]/g, '\\$&'));
}

/** Text inside of HTML, where Markdown does not count. */
function escapedHtml(text: string): string {
  return visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('@', '&#64;');
}

function code(text: string): string {
  const shown = visible(text);
  const fence = '`'.repeat(1 + longestRun(shown));
  return fence.length === 1 ? `\`${shown}\`` : `${fence} ${shown} ${fence}`;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 20))}\n\n_… and more._\n`;
}
