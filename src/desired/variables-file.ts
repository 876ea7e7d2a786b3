import { isJsonObject } from '../base/json.ts';
import { diagnose } from './diagnose.ts';
import type { Diagnostic } from './diagnostic.ts';
import { parseDocuments } from './document.ts';
import { Findings } from './finding.ts';
import type { VariableInput } from './variables.ts';

/** The variables of a file given with `-var-file`: one YAML (or JSON) map of name → value. */
export function readVariablesFile(
  path: string,
  text: string,
): {
  readonly variables: readonly VariableInput[];
  readonly diagnostics: readonly Diagnostic[];
} {
  const findings = new Findings();
  const { documents, problems } = parseDocuments(text);
  for (const { code, message, hint, start, end } of problems) {
    findings.add({ code, message, hint, site: { file: path, start, end } });
  }
  const [document] = documents;
  const variables: VariableInput[] = [];
  if (documents.length > 1 || (document !== undefined && !isJsonObject(document.value))) {
    const message = 'a variables file is one map of name → value';
    findings.add({ code: 'DOC001', message, site: { file: path, spot: { document: 0, pointer: '', part: 'value' } } });
  } else if (document !== undefined && isJsonObject(document.value)) {
    for (const [name, value] of Object.entries(document.value)) variables.push({ name, value, origin: path });
  }
  const diagnostics = diagnose(findings.all, {
    text: (file) => (file === path ? text : undefined),
    document: (_file, index) => documents.find((parsed) => parsed.index === index)?.value,
    // Variables are not secret, but nobody knows what a file that could not be understood is.
    hidden: () => [''],
    suspect: () => true,
  });
  return { variables, diagnostics };
}
