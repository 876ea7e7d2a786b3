import { createHash } from 'node:crypto';
import { Fault } from '../base/error.ts';
import { canonicalJson, type Json, type JsonObject } from '../base/json.ts';
import type { Plan } from './plan.ts';
import { readPlan } from './plan-shape.ts';

const format = 'secretctl/plan/1';
/** Larger files are not read: a plan of 10,000 changes with a sealed value each takes about a quarter of it. */
export const maxPlanFileBytes = 64 * 1024 * 1024;

/** `sha256:<hex>` over the canonical JSON of a plan: the audit log names the applied plan by it. */
export function planDigest(plan: Plan): string {
  return digestOf(canonicalJson(plan as unknown as JsonObject));
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/**
 * A plan as a file: one line of canonical JSON, with a digest that shows damage. It gives nobody any right: an apply
 * authorises each request with the token of whoever applies, whatever a file says. Throws Fault `plan-refused` for a
 * plan with problems.
 */
export function encodePlan(plan: Plan): string {
  if (plan.problems.length > 0) throw new Fault('plan-refused', 'a plan with problems can not be saved');
  const text = canonicalJson(plan as unknown as JsonObject);
  return `{"digest":"${digestOf(text)}","format":"${format}","plan":${text}}\n`;
}

/** The plan of a file. Throws Fault `plan-file` where it is none, is damaged, or was saved by another version. */
export function decodePlan(text: string): Plan {
  const [, digest, found, encoded] = text.length > maxPlanFileBytes ? [] : (framing.exec(text) ?? []);
  if (digest === undefined || encoded === undefined) throw notAPlan();
  if (found !== format) throw wrongFormat(String(found));
  const plan = digestOf(encoded) === digest ? parseCanonical(encoded) : null;
  if (plan === null) {
    throw new Fault('plan-file', 'the plan file was changed after it was saved', { hint: 'plan again with -out' });
  }
  try {
    return readPlan(plan);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new Fault('plan-file', `the plan file does not hold a plan: ${cause.message}`, { hint: 'plan again with -out', cause });
  }
}

const framing = /^\{"digest":"(sha256:[0-9a-f]{64})","format":"(secretctl\/plan\/\d{1,6})","plan":([^]*)\}\n$/;

/** Null for what is not canonical: a member that stands twice, or nesting beyond all measure. */
function parseCanonical(text: string): Json | null {
  try {
    const plan = JSON.parse(text) as Json;
    return canonicalJson(plan) === text ? plan : null;
  } catch {
    return null;
  }
}

function notAPlan(): Fault {
  return new Fault('plan-file', 'this is not a plan file', { hint: 'make one with: secretctl plan -out FILE' });
}

function wrongFormat(found: string): Fault {
  return new Fault('plan-file', `the plan file has format ${found}, and this version of secretctl reads ${format}`, {
    hint: 'apply it with the version that saved it, or plan again with -out',
  });
}

/**
 * A saved plan is for one store at one config revision. Throws Fault `plan-file` for another store and `plan-stale`
 * for another revision.
 */
export function checkPlanBase(plan: Plan, store: { readonly storeId: string; readonly revision: number }): void {
  if (plan.storeId !== store.storeId) {
    throw new Fault('plan-file', `the plan was made for store ${plan.storeId}, and this is store ${store.storeId}`, {
      hint: 'choose its store with -store or -environment, or plan again here',
    });
  }
  if (plan.revision !== store.revision) {
    throw new Fault(
      'plan-stale',
      `the plan is stale: it was made at config revision ${plan.revision}, and the store is at ${store.revision}`,
      { hint: 'plan again' },
    );
  }
}
