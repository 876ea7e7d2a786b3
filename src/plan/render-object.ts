import { pointerTokens } from '../base/json.ts';
import { addressText, type ManagedAddress } from '../protocol/managed.ts';
import { attributesOf, type DisplayObject, knownAfterApply } from './display.ts';
import { type Paint, type Style, styleOfOp } from './paint.ts';
import type { Drift, PlanChange } from './plan.ts';
import { quoted, visible } from './quote.ts';
import { renderAttributes } from './render-attributes.ts';
import { diffMembers, type Member, whole } from './value-diff.ts';

/** One object of a plan: its header comments and its block, as lines. */
export function renderChange(change: PlanChange, paint: Paint): readonly string[] {
  const symbol = symbolOf(change);
  const comments = [headline(change), ...remarks(change)].map((text, index) =>
    paint(index === 0 ? 'bold' : 'faint', `  # ${text}`),
  );
  const all = change.action === 'import' && !change.modifies;
  const forcing = new Set(change.replacePaths.map((at) => pointerTokens(at)[0] ?? ''));
  const lines = renderAttributes(membersOf(change), { paint, all, forcing });
  return [...comments, ...block(symbol, styleOfChange(change), change.address, lines, paint)];
}

/** One object that somebody changed outside of an apply. */
export function renderDrift(drift: Drift, paint: Paint): readonly string[] {
  const { before, after, secrets, action, by, address } = drift;
  const verb = action === 'delete' ? 'has been deleted' : 'has changed';
  const comments = [paint('bold', `  # ${shownAddress(address)} ${verb}`)];
  if (by !== undefined) comments.push(paint('faint', `  # (by ${visible(by.who)} at ${visible(by.at)})`));
  const old = attributesOf(before, secrets, 'before') ?? {};
  const now = attributesOf(after, secrets, 'after');
  const members = now === null ? wholeMembers(old, '-') : diffMembers(old, now);
  const op = action === 'delete' ? '-' : '~';
  const lines = renderAttributes(members, { paint, all: false, forcing: new Set() });
  return [...comments, ...block(`  ${op}`, styleOfOp(op), address, lines, paint)];
}

function block(symbol: string, style: Style, address: ManagedAddress, lines: readonly string[], paint: Paint): readonly string[] {
  const name = address.mount === null ? address.name : `${address.mount}/${address.name}`;
  return [`${paint(style, symbol)} resource ${quoted(address.kind)} ${quoted(name)} {`, ...lines, '    }'];
}

function shownAddress(address: ManagedAddress): string {
  return visible(addressText(address));
}

/** The symbol of a change in its three columns. */
export function symbolOf({ action, modifies }: PlanChange): string {
  switch (action) {
    case 'create':
      return '  +';
    case 'delete':
      return '  -';
    case 'replace':
      return '-/+';
    case 'forget':
      return '  .';
    default:
      return modifies ? '  ~' : '   ';
  }
}

function styleOfChange({ action }: PlanChange): Style {
  if (action === 'create') return 'create';
  if (action === 'delete' || action === 'replace') return 'delete';
  return action === 'forget' ? 'forget' : 'update';
}

function headline(change: PlanChange): string {
  const { action, reason, modifies, from } = change;
  const name = shownAddress(change.address);
  switch (action) {
    case 'create':
      return `${name} will be created`;
    case 'delete':
      return `${name} will be destroyed`;
    case 'replace':
      return reason === 'requested' ? `${name} will be replaced, as requested` : `${name} must be replaced`;
    case 'forget':
      return `${name} will no longer be managed by secretctl, but will not be destroyed`;
    case 'import':
      return modifies ? `${name} will be updated in-place` : `${name} will be imported`;
    case 'move':
      return modifies || from === null ? `${name} will be updated in-place` : `${shownAddress(from)} has moved to ${name}`;
    default:
      return `${name} will be updated in-place`;
  }
}

function remarks(change: PlanChange): readonly string[] {
  const { action, reason, modifies, from, importId, address, requests, consequences } = change;
  const found: string[] = [];
  if (reason === 'not-declared') found.push(`(because ${shownAddress(address)} is not in the documents)`);
  if (reason === 'deleted-outside') found.push('(it was deleted outside of secretctl)');
  if (reason === 'with-mount') found.push(`(because its mount ${visible(address.mount ?? '')} is replaced)`);
  if (importId !== null && modifies) found.push(`(imported from ${quoted(importId)})`);
  if (from !== null && (action !== 'move' || modifies)) found.push(`(moved from ${shownAddress(from)})`);
  if (action === 'record' && requests.length === 0) found.push('(only in what the store records of it)');
  return [...found, ...consequences.map(visible)];
}

function membersOf(change: PlanChange): readonly Member[] {
  const { action, secrets } = change;
  const before = attributesOf(change.before, secrets, 'before');
  const after = withUnknown(attributesOf(change.after, secrets, 'after'), change.unknown);
  if (action === 'forget') return wholeMembers(before ?? {}, ' ');
  if (before === null) return wholeMembers(after ?? {}, '+');
  return after === null ? wholeMembers(before, '-') : diffMembers(before, after);
}

function withUnknown(attributes: DisplayObject | null, unknown: readonly string[]): DisplayObject | null {
  if (attributes === null || unknown.length === 0) return attributes;
  return { ...attributes, ...Object.fromEntries(unknown.map((at) => [pointerTokens(at)[0] ?? '', knownAfterApply])) };
}

function wholeMembers(attributes: DisplayObject, op: ' ' | '+' | '-'): readonly Member[] {
  return Object.keys(attributes)
    .sort()
    .map((name) => ({ name, diff: whole(attributes[name] ?? null, op) }));
}
