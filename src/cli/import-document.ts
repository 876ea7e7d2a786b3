import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '../base/error.ts';
import { canonicalJson, type JsonObject } from '../base/json.ts';
import { nearest } from '../base/nearest.ts';
import { isAddressProblem, parseAddress } from '../desired/address.ts';
import { mountPaths } from '../desired/mount-set.ts';
import type { Kind, LensContext, ResourceName } from '../kinds/kind.ts';
import type { CliContext } from './context.ts';
import { replaceFile } from './files.ts';
import { readLive } from './live-object.ts';
import { mounts, takeSnapshot } from './planning.ts';
import type { Repo } from './repo.ts';
import type { Session } from './session.ts';

/**
 * Writes the document of an object that the store has and no document declares, in a file of its own. Returns the file,
 * relative to the root of the repo. Throws Fault `usage` for an address that means nothing here, for an object that is
 * not there, and for one whose values are secret: those nobody but its owner can declare.
 */
export async function writeDocument(context: CliContext, session: Session, repo: Repo, operand: string): Promise<string> {
  const kinds = new Map((await context.kinds()).map((kind) => [kind.kind, kind]));
  const snapshot = await takeSnapshot(session, {});
  const live: LensContext = { engines: mounts(snapshot.engines), methods: mounts(snapshot.methods) };
  const name = parseAddress(operand, kinds, mountPaths([], live, [...kinds.values()]));
  if (isAddressProblem(name)) {
    const candidates = [...name.candidates];
    const near = nearest(operand, repo.desired.origins.keys()) ?? nearest(name.word, candidates);
    const known = candidates.join(', ');
    throw new Fault('usage', name.message, {
      ...(near !== null ? { hint: `Did you mean ${near}?` } : known === '' ? {} : { hint: `There are: ${known}.` }),
    });
  }
  const kind = kinds.get(name.kind);
  const found = kind === undefined ? null : await readLive(session, kind, name, live);
  if (kind === undefined || found === null) {
    const near = nearest(operand, repo.desired.origins.keys());
    throw new Fault('usage', `no document declares ${operand}, and the store has no such object`, {
      ...(near === null ? {} : { hint: `Did you mean ${near}?` }),
    });
  }
  const missing = (kind.spec.required ?? []).filter((field) => !Object.hasOwn(found.spec, field));
  if (missing.length > 0) {
    throw new Fault(
      'usage',
      `the ${missing.join(' and ')} of ${operand} can't be read back, so no document can be made from it`,
      {
        hint: `Write its document first, with a value or its source for each field of ${missing.join(', ')}.`,
      },
    );
  }
  const file = `imported/${fileName(name)}`;
  const path = join(repo.root, file);
  if (existsSync(path)) throw new Fault('file', `${file} is there already, and declares something else`);
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, await documentText(kind, name, leastSpec(kind, name, found.spec, live)));
  return file;
}

function fileName({ kind, mount, name }: ResourceName): string {
  const words = [kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase(), ...(mount === null ? [] : [mount]), name];
  return `${words.join('-').replaceAll(/[^\p{L}\p{N}._-]/gu, '-')}.yaml`;
}

async function documentText(kind: Kind, { name }: ResourceName, spec: JsonObject): Promise<string> {
  const { stringify } = await import('yaml');
  const head = '# yaml-language-server: $schema=../schemas/secretctl.json\n';
  return head + stringify({ apiVersion: 'secretctl/v1', kind: kind.kind, metadata: { name }, spec }, { lineWidth: 0 });
}

/** The spec without what means the same when it is left out. */
function leastSpec(kind: Kind, name: ResourceName, spec: JsonObject, context: LensContext): JsonObject {
  const meaning = (candidate: JsonObject): string | null => {
    try {
      return canonicalJson(kind.normalize(candidate, name, context));
    } catch {
      return null;
    }
  };
  const whole = meaning(spec);
  const required = kind.spec.required ?? [];
  let least = spec;
  for (const field of Object.keys(spec)) {
    if (required.includes(field)) continue;
    const without = Object.fromEntries(Object.entries(least).filter(([key]) => key !== field));
    if (meaning(without) === whole) least = without;
  }
  return least;
}
