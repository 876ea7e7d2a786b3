import { join } from 'node:path';
import { Fault } from '../base/error.ts';
import { isJsonObject, pointerTokens } from '../base/json.ts';
import { sealedDigest } from '../base/sealed-digest.ts';
import { annotatedFields, visitFields } from '../kinds/annotation.ts';
import { fieldPath } from '../kinds/field-path.ts';
import type { Kind, ResourceName } from '../kinds/kind.ts';
import { addressText } from '../protocol/managed.ts';
import type { Options } from './command.ts';
import type { CliContext } from './context.ts';
import { replaceFile } from './files.ts';
import { printJson } from './output.ts';
import { loadRepo, type Repo, reportDiagnostics } from './repo.ts';
import { replaceBlocks } from './sealed-edit.ts';
import type { Session } from './session.ts';

interface Block {
  readonly name: ResourceName;
  readonly field: string;
  readonly sealed: string;
}

/** Seals every block of the repo anew for the present recipients, and for the address it stands at now; the store does it. */
export async function rewrap(context: CliContext, session: Session, options: Options): Promise<number> {
  const repo = await loadRepo(context, options, null);
  // A block in a document with an error would be left out without a word.
  if (reportDiagnostics(context, repo.desired)) return 1;
  const blocks = blocksOf(repo, await context.kinds());
  if (blocks.length === 0) {
    context.terminal.out(context.json ? '{"rewrapped":0}\n' : 'The repo holds no sealed block.\n');
    return 0;
  }
  await warnOfOldRecipient(context, session, repo);
  const moves = new Map(repo.desired.refactors.moves.map(({ from, to }) => [addressText(to), from]));
  const check = await session.request('write', 'sys/managed/check-sealed', {
    blocks: blocks.map(({ name, field, sealed }) => ({ address: addressOf(name), field, sealed })),
  });
  const verdicts = (check.data?.verdicts ?? []) as readonly (string | null)[];
  refuseForeign(blocks, verdicts, moves);
  const reply = await session.request('write', 'sys/recipient/rewrap', {
    recipients: repo.desired.project?.recipients ?? [],
    blocks: blocks.map(({ name, field, sealed }, index) => {
      const target = { address: addressOf(name), field };
      const origin = verdicts[index] === null ? undefined : moves.get(addressText(name));
      return { sealed, address: addressOf(origin ?? name), field, to: target };
    }),
  });
  const renewed = (reply.data?.blocks ?? []) as readonly string[];
  const replacements = new Map(blocks.map(({ sealed }, index) => [sealedDigest(sealed), renewed[index] ?? '']));
  const files: string[] = [];
  for (const file of repo.tree.files) {
    const text = replaceBlocks(file.text, replacements);
    if (text === null) continue;
    await replaceFile(join(repo.root, file.path), text);
    files.push(file.path);
  }
  noteOthers(context, repo, replacements.size);
  if (context.json) printJson(context, { rewrapped: blocks.length, files });
  else
    context.terminal.out(
      `Sealed ${blocks.length} ${blocks.length === 1 ? 'value' : 'values'} anew in:\n${files.map((file) => `  ${file}\n`).join('')}Nobody needs new secrets: the values are the same. The next plan writes them once more, since it compares ciphertext.\n`,
    );
  return 0;
}

/** Blocks in the patches of an environment are seen only where that environment is chosen. */
function noteOthers(context: CliContext, { tree }: Repo, known: number): void {
  const found = tree.files.reduce((sum, { text }) => sum + text.split('-----BEGIN AGE ENCRYPTED FILE-----').length - 1, 0);
  if (found > known)
    context.terminal.err(
      'Note: not every sealed block of the repo was among them. Those in the patches of an environment: secretctl encrypt -rewrap -environment=NAME\n',
    );
}

/** Throws Fault `usage` that names every block which opens neither where it stands nor where a move has it from. */
function refuseForeign(
  blocks: readonly Block[],
  verdicts: readonly (string | null)[],
  moves: ReadonlyMap<string, ResourceName>,
): void {
  const wrong = blocks.flatMap(({ name, field }, index) => {
    const verdict = verdicts[index] ?? null;
    if (verdict === null || moves.has(addressText(name))) return [];
    const where = `${addressText(name)} ${field}`;
    const text = verdict.split('; ')[0] ?? verdict;
    return [text.includes(where) ? `\n  ${text}` : `\n  ${where}: ${text}`];
  });
  if (wrong.length === 0) return;
  throw new Fault('usage', `nothing was sealed anew, since these blocks do not open where they stand:${wrong.join('')}`, {
    hint: 'Where an object was renamed, a move in a Refactor document says so. Else seal the values again: secretctl encrypt -write ADDRESS FIELD',
  });
}

/** What the repo seals next time is sealed for the recipients it names, whatever the store would like. */
async function warnOfOldRecipient(context: CliContext, session: Session, { desired }: Repo): Promise<void> {
  const own = (await session.read('sys/recipient').catch(() => null))?.recipients;
  const [newest] = Array.isArray(own) ? (own as readonly string[]) : [];
  if (newest === undefined || (desired.project?.recipients ?? []).includes(newest)) return;
  context.terminal.err(
    `Warning: spec.recipients of secretctl.yaml does not name the present public key of this store: ${newest}\nThe blocks are sealed for it now; what is sealed later is not, until you put it there.\n`,
  );
}

function blocksOf(repo: Repo, kinds: readonly Kind[]): Block[] {
  const secretFields = new Map(
    kinds.map((kind) => [kind.kind, annotatedFields(kind.spec, (schema) => schema['x-secret'] === true)]),
  );
  const blocks: Block[] = [];
  for (const { name, spec } of repo.desired.resources) {
    visitFields(spec, secretFields.get(name.kind) ?? [], (value, pointer) => {
      if (isJsonObject(value) && typeof value.sealed === 'string')
        blocks.push({ name, field: fieldPath(pointerTokens(pointer)), sealed: value.sealed });
    });
  }
  return blocks;
}

function addressOf({ kind, mount, name }: ResourceName): { kind: string; mount: string | null; name: string } {
  return { kind, mount, name };
}
