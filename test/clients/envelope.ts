/** What the API answers with, as far as the tests read it themselves; all else they match as a whole. */
export interface Envelope {
  readonly data: Readonly<Record<string, unknown>>;
  readonly lease_id: string;
  readonly auth: {
    readonly client_token: string;
    readonly accessor: string;
    readonly policies: readonly string[];
    readonly entity_id: string;
    readonly lease_duration: number;
  };
  readonly wrap_info: { readonly token: string; readonly accessor: string };
}
