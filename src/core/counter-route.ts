import { givingWay } from '../base/giving-way.ts';
import type { View } from '../barrier/view.ts';
import type { Route, RouteContext } from './mount-type.ts';

interface Counter {
  /** `sys/internal/counters/<path>`. */
  readonly path: string;
  /** What the answer calls them. */
  readonly counted: string;
  readonly summary: string;
  count(context: RouteContext): Promise<number>;
}

/** How many there are of something, as the Vault API tells it. */
export function counterRoute({ path, counted, summary, count }: Counter): Route {
  return {
    path: `internal/counters/${path}`,
    summary,
    operations: {
      read: {
        summary: 'Counts them.',
        handle: async (context) => ({ data: { counters: { [counted]: { total: await count(context) } } } }),
      },
    },
  };
}

const pageSize = 1000;

/** How many names a folder of `view` has. It takes as long as there are many, and keeps nobody from the event loop. */
export async function countFolder(view: View, folder: string): Promise<number> {
  const giveWay = givingWay(1);
  let total = 0;
  let after: string | undefined;
  for (;;) {
    const page = await view.children(`${folder}/`, { ...(after === undefined ? {} : { after }), limit: pageSize });
    total += page.length;
    if (page.length < pageSize) return total;
    after = page.at(-1);
    await giveWay();
  }
}
