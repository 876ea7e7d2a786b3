/**
 * Paths that no rate limit counts for. Each stands for itself and all that lies below; one that ends in `*` for all that
 * begins so; one that begins with `!` takes out of what a shorter one exempts.
 */
export class ExemptPaths {
  /** The longest first. */
  readonly #rules: readonly { readonly text: string; readonly glob: boolean; readonly exempt: boolean }[];

  constructor(paths: readonly string[]) {
    this.#rules = paths
      .map((path) => {
        const exempt = !path.startsWith('!');
        const bare = exempt ? path : path.slice(1);
        const glob = bare.endsWith('*');
        return { text: glob ? bare.slice(0, -1) : bare.replace(/\/$/, ''), glob, exempt };
      })
      .filter(({ text, glob }) => text !== '' || glob)
      .sort((a, b) => b.text.length - a.text.length);
  }

  /** `path` has no trailing slash. */
  has(path: string): boolean {
    const rule = this.#rules.find(
      ({ text, glob }) => path.startsWith(text) && (glob || path.length === text.length || path[text.length] === '/'),
    );
    return rule?.exempt ?? false;
  }
}
