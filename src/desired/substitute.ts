import { isJsonObject, toPointer, type Json, type JsonObject } from '../base/json.ts';
import { showText } from '../kinds/show.ts';
import { unresolved } from '../kinds/validate.ts';
import type { DiagnosticCode } from './diagnostic.ts';
import type { Findings } from './finding.ts';
import { hasTemplate, parseTemplate, type Reference } from './template.ts';

/** What references stand for in one document. */
export interface Scope {
  /** By name: the value, `unresolved` (a finding was made already, or it is not asked for now), or null: not set. */
  readonly variables: ReadonlyMap<string, Json | null>;
  /** Null: the document has no forEach. */
  readonly each: { readonly key: string; readonly value: Json } | null;
}

/** A problem with one reference. */
export interface SubstitutionProblem {
  readonly code: DiagnosticCode;
  /** A JSON pointer into the value that was substituted. */
  readonly pointer: string;
  readonly part: 'key' | 'value';
  /** The reference as written. */
  readonly within: string;
  readonly message: string;
  readonly hint: string | null;
}

/** Thrown where references make more out of a repo than any store would take. */
export class TooMuch extends Error {}

/** What all substitutions of one load may cost together. */
export class ExpansionBudget {
  #values = 10_000_000;
  #characters = 256 * 1024 * 1024;
  readonly #sizes = new WeakMap<object, number>();

  /** Throws TooMuch where the values of the load have become too many. */
  takeValues(count: number): void {
    this.#values -= count;
    if (this.#values < 0) throw new TooMuch();
  }

  /** The same for text that was put together. */
  takeCharacters(count: number): void {
    this.#characters -= count;
    if (this.#characters < 0) throw new TooMuch();
  }

  /** How many values a value consists of. */
  size(value: Json): number {
    if (typeof value !== 'object' || value === null) return 1;
    let size = this.#sizes.get(value);
    if (size === undefined) {
      size = 1;
      for (const member of Object.values<Json>(value)) size += this.size(member);
      this.#sizes.set(value, size);
    }
    return size;
  }
}

const longestText = 4 * 1024 * 1024;

/** Replaces the references in values. */
export class Substitution {
  readonly #scope: Scope;
  readonly #budget: ExpansionBudget;
  readonly #findings: Findings;
  readonly #report: (problem: SubstitutionProblem) => void;
  readonly #tokens: (string | number)[] = [];

  constructor(scope: Scope, budget: ExpansionBudget, findings: Findings, report: (problem: SubstitutionProblem) => void) {
    this.#scope = scope;
    this.#budget = budget;
    this.#findings = findings;
    this.#report = report;
  }

  /**
   * `value` with its references replaced; the same object where it has none. A text that is nothing but one reference
   * takes the value's type. `at` is where `value` stands in its document. Throws TooMuch.
   */
  value(value: Json, at: readonly (string | number)[] = []): Json {
    this.#tokens.splice(0, this.#tokens.length, ...at);
    return this.#value(value);
  }

  #value(value: Json): Json {
    this.#budget.takeValues(1);
    if (typeof value === 'string') return hasTemplate(value) ? this.#text(value) : value;
    if (Array.isArray(value)) return this.#list(value as readonly Json[]);
    return isJsonObject(value) ? this.#object(value) : value;
  }

  #list(list: readonly Json[]): Json {
    let changed: Json[] | null = null;
    for (const [index, item] of list.entries()) {
      this.#tokens.push(index);
      const replaced = this.#value(item);
      this.#tokens.pop();
      if (replaced !== item) changed ??= [...list];
      if (changed !== null) changed[index] = replaced;
    }
    return changed ?? list;
  }

  #object(object: JsonObject): Json {
    let changed: Record<string, Json> | null = null;
    for (const name in object) {
      this.#tokens.push(name);
      const member = object[name] as Json;
      if (hasTemplate(name))
        this.#problem('VAR006', 'key', name, `a reference cannot stand in a key`, 'references stand in values');
      const replaced = this.#value(member);
      this.#tokens.pop();
      if (replaced !== member) changed ??= { ...object };
      if (changed !== null) changed[name] = replaced;
    }
    return changed ?? object;
  }

  #text(text: string): Json {
    const parts = parseTemplate(text);
    const [only] = parts;
    if (parts.length === 1 && typeof only === 'object') return this.#resolve(only);
    let whole = '';
    let complete = true;
    for (const part of parts) {
      const value = typeof part === 'string' ? part : this.#resolve(part);
      if (value === unresolved) complete = false;
      else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') whole += String(value);
      else if (typeof part === 'object') {
        const what = value === null ? 'is empty' : Array.isArray(value) ? 'is a list' : 'is a map';
        this.#problem(
          'VAR003',
          'value',
          part.text,
          `${part.text} ${what}, which cannot be part of a text`,
          'let it be the whole value',
        );
        complete = false;
      }
      if (whole.length > longestText) throw new TooMuch();
    }
    this.#budget.takeCharacters(whole.length);
    return complete ? whole : unresolved;
  }

  #resolve(reference: Reference): Json {
    const value = this.#lookUp(reference);
    if (value !== undefined) {
      this.#budget.takeValues(this.#budget.size(value));
      return value;
    }
    return unresolved;
  }

  /** Undefined: there is none, and a problem was reported. */
  #lookUp({ text, target }: Reference): Json | undefined {
    const { each } = this.#scope;
    const problem = (code: DiagnosticCode, message: string, hint: string | null): undefined => {
      this.#problem(code, 'value', text, message, hint);
    };
    switch (target.type) {
      case 'variable':
        return this.#variable(target.name, text);
      case 'eachKey':
      case 'eachValue':
        if (each === null)
          return problem('EACH001', `${text} in a document without forEach`, 'add forEach, a map of key → values');
        return target.type === 'eachKey' ? each.key : this.#member(each.value, target.path, text);
      case 'shell': {
        const hint = `declare a variable in secretctl.yaml and pass -var name="$${target.name}"`;
        return problem('VAR005', `${text}: a plan does not depend on a shell, so there is no env`, hint);
      }
      case 'open':
        return problem('VAR004', 'a "${" without a "}"', 'write $${ where ${ is meant as text');
      case 'unknown':
        return problem(
          'VAR004',
          // Not repeated: it may be a part of a plain secret. The excerpt shows it where it may be shown.
          'this is no reference',
          'there are ${var.name}, ${each.key} and ${each.value.name}; $${ stands for a plain ${',
        );
    }
  }

  #variable(name: string, text: string): Json | undefined {
    const { variables } = this.#scope;
    const value = variables.get(name);
    if (value !== undefined && value !== null) return value;
    if (value === null) {
      const hint = `set it with -var ${name}=…, in an Environment, or give it a default`;
      this.#problem('VAR001', 'value', text, `the variable ${showText(name)} is not set`, hint);
    } else {
      const near = this.#findings.suggestion(name, variables.keys());
      const hint = near ?? 'declare it under spec.variables of the Project';
      this.#problem('VAR002', 'value', text, `the variable ${showText(name)} is not declared`, hint);
    }
    return undefined;
  }

  #member(value: Json, path: readonly string[], text: string): Json | undefined {
    let current = value;
    for (const name of path) {
      if (isJsonObject(current) && Object.hasOwn(current, name)) current = current[name] as Json;
      else {
        const near = isJsonObject(current) ? this.#findings.suggestion(name, Object.keys(current)) : null;
        this.#problem('EACH003', 'value', text, `the value of this key has no ${showText(name)}`, near);
        return undefined;
      }
    }
    return current;
  }

  #problem(code: DiagnosticCode, part: 'key' | 'value', within: string, message: string, hint: string | null): void {
    this.#report({ code, pointer: toPointer(this.#tokens), part, within, message, hint });
  }
}
