import { annotatedFields, type AnnotatedField } from '../kinds/annotation.ts';
import type { Kind, SpecSchema } from '../kinds/kind.ts';
import { documentedKind, forEachSchema, plainMetadata, resourceMetadata, type Documented } from '../kinds/schema.ts';
import { compileSchema, type Validator } from '../kinds/validate.ts';
import { environmentDocument } from './environment.ts';
import { projectDocument } from './project.ts';
import { refactorDocument } from './refactor.ts';

/** What a kind of document means to loading, compiled once per load. */
export interface DocumentKind {
  readonly kind: string;
  /** Null for Project, Environment and Refactor, which declare no object of the store. */
  readonly lens: Kind | null;
  /** The schema of the whole document, and its test. */
  readonly schema: SpecSchema;
  readonly fits: Validator;
  /** Fields of spec that hold a value source, and those that name other documents. */
  readonly secrets: readonly AnnotatedField[];
  readonly references: readonly AnnotatedField[];
}

/** All kinds of documents, with those of the language itself. */
const languageDocuments: readonly Documented[] = [projectDocument, environmentDocument, refactorDocument];

/** Every kind of document that a repo with these kinds may hold; the order is the one to list them in. */
export function documentedKinds(kinds: readonly Kind[]): readonly Documented[] {
  return [...languageDocuments, ...kinds.map(documentedKind)];
}

export function compileKinds(kinds: readonly Kind[]): ReadonlyMap<string, DocumentKind> {
  const compiled = new Map<string, DocumentKind>();
  for (const documented of languageDocuments) compiled.set(documented.kind, compile(documented, null));
  for (const kind of kinds) compiled.set(kind.kind, compile(documentedKind(kind), kind));
  return compiled;
}

function compile({ kind, description, spec, resource }: Documented, lens: Kind | null): DocumentKind {
  const schema: SpecSchema = {
    type: 'object',
    description,
    required: ['metadata', 'spec'],
    additionalProperties: false,
    properties: {
      apiVersion: {},
      kind: {},
      metadata: resource ? resourceMetadata : plainMetadata,
      ...(resource ? { forEach: forEachSchema } : {}),
      spec,
    },
  };
  return {
    kind,
    lens,
    schema,
    fits: compileSchema(schema),
    secrets: annotatedFields(spec, (field) => field['x-secret'] === true),
    references: annotatedFields(spec, (field) => field['x-reference'] !== undefined),
  };
}
