import type { Json, JsonObject } from '../base/json.ts';

/**
 * A kind of YAML document: a pure lens between its spec and API paths with bodies. `read` of what `write` made gives
 * the same normalised spec (a fixed point). A kind does no I/O and holds no state.
 */
export interface Kind {
  /** `Policy`, as in the document. */
  readonly kind: string;
  readonly description: string;
  /** JSON Schema (draft-07) of `spec`; every property has a `description`. See schema.ts for the `x-` annotations. */
  readonly spec: SpecSchema;
  /** The spec field that names the mount which this object lives in; null: it lives at the top. */
  readonly mountField: 'engine' | 'method' | null;
  /** Which kind declares that mount. */
  readonly mountKind: 'SecretEngine' | 'AuthMethod' | null;
  /** What a valid `metadata.name` is. */
  readonly nameRule: 'identifier' | 'mountPath' | 'secretPath';
  /** Names that belong to the store (`root`, `default` …); refused, also in another case. */
  readonly reservedNames?: readonly string[];
  /** Defaults filled in, durations in their shortest form, lists that are sets sorted: equal meaning, equal spec. */
  normalize(spec: JsonObject, resource: ResourceName, context: LensContext): JsonObject;
  /** Problems which the schema cannot express, in a spec as it was written (it fits the schema). Empty: none. */
  check?(spec: JsonObject, resource: ResourceName, context: LensContext): readonly SpecProblem[];
  /** The same of what the spec and other documents say together, asked where nothing is wrong with the spec by itself. */
  checkBeside?(spec: JsonObject, resource: ResourceName, others: DeclaredSpecs): readonly SpecProblem[];
  /** For a kind that declares mounts: the mount that a spec makes, for the context of the lenses of what lives in it. */
  mount?(spec: JsonObject): LensMount;
  /** The reads that show the live object. Their replies come to `read` in this order. */
  reads(resource: ResourceName, context: LensContext): readonly LensRead[];
  /** The live object, or null: absent. A reply is null where its read gave 404. */
  read(replies: readonly (JsonObject | null)[], resource: ResourceName, context: LensContext): LiveObject | null;
  /**
   * The requests that make `after` out of `before` (what is live; null: absent). For secret fields `changed` holds
   * the JSON pointers (into spec) whose value must be written.
   */
  write(change: LensChange, resource: ResourceName, context: LensContext): readonly LensRequest[];
  /** The requests that delete the object. */
  remove(resource: ResourceName, context: LensContext, lastApplied: JsonObject | null): readonly LensRequest[];
  /**
   * The requests that rename the live object and keep what its spec does not hold (data, versions, issued credentials).
   * Null: that cannot be done from here to there, so the plan refuses the move. A kind without it and without
   * write-only fields is moved by writing the new object and deleting the old one, which must lose nothing.
   * `context` holds the mounts as planned; a mount around the object has moved already.
   */
  move?(from: ResourceName, to: ResourceName, context: LensContext): readonly LensRequest[] | null;
  /** JSON pointers (into spec) whose change cannot be made in place: the object is deleted and created. */
  readonly replaceOn?: readonly string[];
  /**
   * What hangs on the live object, for the words of a plan. Its reads are no condition of the plan, as their replies may
   * change at any time, and the reply to one that the caller may not send is null.
   */
  readonly impact?: KindImpact;
  /**
   * Where in a spec a member of the API's body stands, as a JSON pointer, for what the API says of it; null: nowhere.
   */
  pointerOf?(member: string): string | null;
  /** What `import` takes as id, for help and errors: `the policy's name`. Names the resource. */
  readonly importId?: string;
}

export interface KindImpact {
  /** Asked of what is live, in the order in which `tell` gets the replies. */
  reads(resource: ResourceName, context: LensContext): readonly LensRead[];
  /**
   * What comes of a change of the object, and for whom. `spec`: as it shall be, or as it was applied where it goes. Of what
   * is created nothing was asked.
   */
  tell(
    action: ImpactAction,
    replies: readonly (JsonObject | null)[],
    spec: JsonObject,
    /** The write-only fields (JSON pointers into spec) whose values the change writes. */
    written: ReadonlySet<string>,
    /** Its mount goes with it, or is made anew: what becomes of leases then is said of the mount. */
    mountGoes: boolean,
  ): readonly string[];
  /**
   * Why the change must not be made, as what follows the address in a sentence, and what to do; null: it may be. The store
   * refuses the requests of such a change by itself too.
   */
  refuses?(
    action: ImpactAction,
    replies: readonly (JsonObject | null)[],
    spec: JsonObject,
  ): { readonly message: string; readonly hint: string } | null;
}

export type ImpactAction = 'create' | 'update' | 'replace' | 'delete';

/** The identity of a resource: kind, mount and name. `mount` is null for what lives at the top. */
export interface ResourceName {
  readonly kind: string;
  readonly mount: string | null;
  readonly name: string;
}

/**
 * The spec that a document declares, as it was written, with `unresolved` (validate.ts) in place of what `ignoreChanges`
 * names; null: no document that could be understood declares it.
 */
export type DeclaredSpecs = (resource: ResourceName) => JsonObject | null;

/** The planned mounts, by path (an auth method's without `auth/`). Plain data. */
export interface LensContext {
  readonly engines: ReadonlyMap<string, LensMount>;
  readonly methods: ReadonlyMap<string, LensMount>;
}

export interface LensMount {
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface LensRead {
  readonly operation: 'read' | 'list';
  readonly path: string;
}

/** What `read` makes of the replies. */
export interface LiveObject {
  /** The normalised spec without write-only fields. */
  readonly spec: JsonObject;
  /** The mark (see Reply.mark) of the current version of the object's secret part; null: it has none. */
  readonly mark: string | null;
  /** True: its current version was soft-deleted, so the secret part must be written anew. */
  readonly deleted?: boolean;
}

export interface LensChange {
  readonly before: LiveObject | null;
  readonly after: JsonObject;
  /** The spec last applied, where the object is managed. */
  readonly lastApplied: JsonObject | null;
  /** Write-only fields (JSON pointers into spec) to be written now. */
  readonly changed: readonly string[];
}

export interface LensRequest {
  readonly operation: 'write' | 'patch' | 'delete';
  readonly path: string;
  readonly data: JsonObject;
  /** Where in `data` a value source stands, and which spec field it belongs to (`data.api_key`): it binds a sealed block. */
  readonly values?: readonly { readonly at: string; readonly field: string }[];
}

export interface SpecProblem {
  /** A JSON pointer into spec. */
  readonly at: string;
  readonly message: string;
  readonly hint?: string;
  /** It is worth a word, and refuses nothing. */
  readonly severity?: 'warning';
  /** A piece of the text there that is meant. */
  readonly within?: string;
  /** What stands there is not shown, as it may hold a secret. */
  readonly hidden?: boolean;
  /** Another place that belongs to it: a JSON pointer into the spec of another document. */
  readonly related?: { readonly message: string; readonly resource: ResourceName; readonly at: string };
}

/** The subset of JSON Schema that a spec uses, with our annotations. */
export interface SpecSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SpecSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | SpecSchema;
  readonly items?: SpecSchema;
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly default?: Json;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly uniqueItems?: boolean;
  readonly propertyNames?: SpecSchema;
  readonly oneOf?: readonly SpecSchema[];
  readonly anyOf?: readonly SpecSchema[];
  readonly allOf?: readonly SpecSchema[];
  readonly not?: SpecSchema;
  readonly if?: SpecSchema;
  readonly then?: SpecSchema;
  readonly else?: SpecSchema;
  readonly examples?: readonly Json[];
  /** `readable` (the default) is compared with what is live; `writeOnly` only with what was last applied; `computed` never. */
  readonly 'x-field'?: 'readable' | 'writeOnly' | 'computed';
  /**
   * The field (or each item of it) names another document: its kind, or `*` where it is an address. The name of what
   * lives in a mount stands bare for the same mount. The field that `mountField` names needs no annotation.
   */
  readonly 'x-reference'?: string;
  /** Names that a reference may also take without a document (`default`, `root`). */
  readonly 'x-builtin'?: readonly string[];
  /** The field is a value source (`sealed`, `generate`, `fromEnv`, `fromFile`); a plain value is refused. */
  readonly 'x-secret'?: boolean;
  /** No message shows what stands here: it is no secret, and people write one into it all the same. */
  readonly 'x-hidden'?: boolean;
}
