import { addressText } from '../protocol/managed.ts';
import type { ResourceName } from '../kinds/kind.ts';
import { addressKey } from './address.ts';
import type { Findings, Site } from './finding.ts';

export interface Node {
  readonly name: ResourceName;
  readonly forEachKey: string | null;
  readonly references: readonly { readonly to: ResourceName; readonly site: Site }[];
}

const mostCycles = 20;
const longestShown = 8;

/** Reports objects that need one another in a circle: nothing could be applied first. Linear in nodes and references. */
export function checkCycles(nodes: readonly Node[], findings: Findings): void {
  const byKey = new Map(nodes.map((node) => [addressKey(node.name), node]));
  const done = new Set<string>();
  let found = 0;
  for (const start of byKey.keys()) {
    if (done.has(start)) continue;
    // A walk in depth with its own stack: how deep references go is up to whoever wrote the repo.
    const path: { readonly key: string; readonly node: Node; next: number }[] = [];
    const place = new Map<string, number>();
    const enter = (key: string): void => {
      const node = byKey.get(key);
      if (node === undefined || done.has(key)) return;
      place.set(key, path.length);
      path.push({ key, node, next: 0 });
    };
    enter(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const reference = top.node.references[top.next++];
      if (reference === undefined) {
        done.add(top.key);
        place.delete(top.key);
        path.pop();
        continue;
      }
      const key = addressKey(reference.to);
      const begins = place.get(key);
      if (begins === undefined) enter(key);
      else if (found++ < mostCycles)
        report(
          path.slice(begins).map(({ node }) => node),
          top.node,
          reference.site,
          findings,
        );
    }
  }
}

function report(circle: readonly Node[], last: Node, site: Site, findings: Findings): void {
  const names = circle.map(({ name }) => addressText(name));
  const shown = names.length > longestShown ? [...names.slice(0, longestShown - 1), '…', names.at(-1) ?? ''] : names;
  findings.add({
    code: 'REF002',
    message: `objects that need each other: ${[...shown, names[0] ?? ''].join(' → ')}`,
    hint: 'one of these references must go',
    site,
    forEachKey: last.forEachKey,
  });
}
