/** How often a property runs: `small` times in CI, `full` times with SECRETCTL_FULL=1, from SECRETCTL_SEED if set. */
export function runs(small: number, full: number): { readonly numRuns: number; readonly seed?: number } {
  const seed = process.env['SECRETCTL_SEED'];
  return { numRuns: process.env['SECRETCTL_FULL'] === '1' ? full : small, ...(seed === undefined ? {} : { seed: Number(seed) }) };
}
