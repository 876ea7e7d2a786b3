import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { SpecSchema } from '../kinds/kind.ts';
import { parseFieldPath } from '../kinds/field-path.ts';
import { memberNames, memberSchemas, withBranches } from '../kinds/schema-member.ts';
import { showText } from '../kinds/show.ts';
import { nameProblem } from './address.ts';
import type { DiagnosticCode } from './diagnostic.ts';
import { siteOf, specOf, type Draft } from './draft.ts';
import type { Findings } from './finding.ts';
import { secretProblems, withoutValues } from './secret-field.ts';
import { fitsSchema } from './source-document.ts';

/**
 * A draft with all that can be said of it alone: secret fields, schema, name, metadata. Where a finding is made it is
 * not sound any more. `about` limits the findings to some pointers into the document.
 */
export function checkDraft(draft: Draft, findings: Findings, about: (pointer: string) => boolean = () => true): Draft {
  if (draft.document.broken) return draft;
  const before = findings.all.length;
  const { name, lens, forEachKey } = draft;
  const add = (code: DiagnosticCode, at: string, message: string, hint: string | null, part: 'key' | 'value' = 'value'): void => {
    if (about(at)) findings.add({ code, message, hint, site: siteOf(draft, at, part), forEachKey });
  };
  const spec = specOf(draft);
  // Without a name there is no address to seal for; the missing name is a finding of its own.
  const addressed = name ?? { kind: lens.kind, mount: null, name: 'NAME' };
  const secrets = secretProblems(spec, draft.document.kind.secrets, addressed, forEachKey === null);
  for (const { code, at, message, hint } of secrets) add(code, `/spec${at}`, message, hint);
  const known =
    secrets.length === 0
      ? draft.value
      : {
          ...draft.value,
          spec: withoutValues(
            spec,
            secrets.map(({ at }) => at),
          ),
        };
  const fits = fitsSchema(draft.document.kind, known, {
    budget: findings.budget,
    add: ({ code, at, message, hint, part }) => add(code, at, message, hint, part),
  });
  const wrong = name === null ? null : nameProblem(lens, name.name);
  if (wrong !== null) add('DOC004', '/metadata/name', wrong, null);
  if (fits) checkIgnored(draft, lens.spec, findings, add);
  return findings.all.length === before && fits && secrets.length === 0 && name !== null ? draft : { ...draft, sound: false };
}

/** The fields that `metadata.ignoreChanges` of a valid document names, as JSON pointers into spec. */
export function ignoredTokens(value: JsonObject): readonly (readonly string[] | null)[] {
  const { ignoreChanges = [] } = value['metadata'] as { readonly ignoreChanges?: readonly string[] };
  return ignoreChanges.map((text) => {
    const [top, ...tokens] = parseFieldPath(text) ?? [];
    return top === 'spec' && tokens.length > 0 ? tokens : null;
  });
}

type Add = (code: DiagnosticCode, at: string, message: string, hint: string | null) => void;

function checkIgnored({ value, lens }: Draft, schema: SpecSchema, findings: Findings, add: Add): void {
  for (const [index, tokens] of ignoredTokens(value).entries()) {
    const at = `/metadata/ignoreChanges/${index}`;
    if (tokens === null) {
      add('DOC006', at, 'ignoreChanges names fields of spec', 'such as spec.description, or spec.labels["my label"]');
      continue;
    }
    if (tokens.length === 1 && tokens[0] === lens.mountField) {
      add('DOC006', at, `spec.${tokens[0]} is a part of the address and cannot be ignored`, null);
      continue;
    }
    let schemas = withBranches(schema);
    for (const token of tokens) {
      const members = memberSchemas(schemas, token).flatMap(withBranches);
      if (members.length === 0) {
        const message = `${lens.kind} has no field ${showText(token)} there`;
        add('DOC006', at, message, findings.suggestion(token, memberNames(schemas)));
        break;
      }
      schemas = members;
    }
  }
}

/** The labels and the protection of a valid document. */
export function lifecycleOf(value: JsonObject): { readonly labels: Readonly<Record<string, string>>; readonly protect: boolean } {
  const metadata = isJsonObject(value['metadata']) ? value['metadata'] : {};
  const { labels = {}, protect = false } = metadata as { labels?: Record<string, string>; protect?: boolean };
  return { labels, protect };
}
