import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../base/error.ts';
import { type Json, pointerTokens } from '../base/json.ts';
import { nearest } from '../base/nearest.ts';
import { isAddressProblem, parseAddress } from '../desired/address.ts';
import { mountPaths } from '../desired/mount-set.ts';
import type { Origin } from '../desired/resource.ts';
import { annotatedFields, visitFields } from '../kinds/annotation.ts';
import { fieldPath, parseFieldPath } from '../kinds/field-path.ts';
import type { Kind, ResourceName } from '../kinds/kind.ts';
import { addressText } from '../protocol/managed.ts';
import { type Command, type Options, targetOptions } from './command.ts';
import { noteLineBreak } from './body.ts';
import type { CliContext } from './context.ts';
import { asText, readNamedFile, replaceFile } from './files.ts';
import { printJson } from './output.ts';
import { loadRepo, type Repo, repoOptions } from './repo.ts';
import { rewrap } from './rewrap.ts';
import { writeBlock } from './sealed-edit.ts';
import { withSession } from './session.ts';
import { requireWorkspace } from './workspace.ts';

const maxValueBytes = 1024 * 1024;

export const encrypt: Command = {
  path: ['encrypt'],
  summary: 'Seal a value, so that it can stand in git',
  operands: '[ADDRESS FIELD]',
  arity: { min: 0, max: 2 },
  description:
    'Seals a value for the recipients of the project: only their stores can open it, and only at this address and field. Asks for the value, or reads it from standard input or a file, never from the command line. ' +
    'Needs no store.\nWith -rewrap all blocks of the repo are sealed anew for the present recipients (after operator rotate -recipient, or after a move); that needs the store and sudo.',
  examples: [
    {
      command: 'secretctl encrypt StaticSecret/kv/payments/stripe data.api_key',
      explanation: 'Asks for the value and prints the block.',
    },
    {
      command: 'secretctl encrypt -write -from-file=key.pem StaticSecret/kv/tls data.key',
      explanation: 'Writes the block into the document.',
    },
    { command: 'secretctl encrypt -rewrap', explanation: 'Every block of the repo, for the present recipients.' },
  ],
  options: {
    ...repoOptions,
    'from-file': { type: 'text', value: 'FILE', description: 'Take the value from a file, byte for byte.' },
    'json-value': { type: 'flag', description: 'The value is JSON (a number, an object …), not text.' },
    recipient: {
      type: 'list',
      value: 'AGE1…',
      description: 'Seal for this key instead of those of the project; can be given several times.',
    },
    write: { type: 'flag', description: 'Write the block into the document of the object, in place of what is there.' },
    rewrap: { type: 'flag', description: 'Seal all blocks of the repo anew.' },
    ...targetOptions,
  },
  async run(context, operands, options) {
    if (options.flag('rewrap')) {
      if (operands.length > 0) throw new Fault('usage', '-rewrap takes no address: it seals all blocks of the repo anew');
      const [given] = ['from-file', 'json-value', 'recipient', 'write'].filter((name) => options.given(name));
      if (given !== undefined) throw new Fault('usage', `-${given} and -rewrap exclude each other`);
      requireWorkspace(context);
      return withSession(context, options, ['encrypt'], (session) => rewrap(context, session, options));
    }
    const [address, field] = operands;
    if (address === undefined || field === undefined)
      throw new Fault('usage', 'encrypt needs ADDRESS and FIELD, or -rewrap', { hint: 'See: secretctl encrypt -help' });
    return sealOne(context, options, address, field);
  },
};

async function sealOne(context: CliContext, options: Options, operand: string, field: string): Promise<number> {
  const repo = await loadRepo(context, options, null);
  const kinds = await context.kinds();
  const { name, origin } = findAddress(repo, kinds, operand);
  if (origin === null && options.flag('write'))
    throw new Fault('usage', `no document declares ${addressText(name)}, so there is none to write to`, {
      hint: nearHint(repo, operand) ?? 'Without -write the block is printed.',
    });
  if (origin !== null && origin.forEachKey !== null && options.flag('write'))
    throw new Fault(
      'usage',
      `${addressText(name)} comes from a forEach: a block of one of its objects cannot stand in the document of all`,
      {
        hint: 'Without -write the block is printed: put it among the values of its key.',
      },
    );
  checkField(kinds, name, field);
  const recipients = options.list('recipient').length > 0 ? options.list('recipient') : (repo.desired.project?.recipients ?? []);
  if (recipients.length === 0) {
    throw new Fault('usage', 'the project names no recipient to seal for', {
      hint: 'Put the public key of the store (init prints it, secretctl read sys/recipient shows it) under spec.recipients of secretctl.yaml, or give -recipient.',
    });
  }
  if (origin === null) noteUndeclared(context, repo, operand);
  const value = parseValue(await readValue(context, options, `${addressText(name)} ${field}`), options.flag('json-value'));
  const { sealValue } = await import('../crypto/sealed-value.ts');
  const block = await sealValue(recipients, { v: 1, address: [name.kind, name.mount, name.name], field, value });
  if (origin === null || !options.flag('write')) {
    if (context.json) printJson(context, { address: addressText(name), field, sealed: block });
    else context.terminal.out(`${block.trimEnd()}\n`);
    return 0;
  }
  const path = join(repo.root, origin.file);
  const text = await readFile(path, 'utf8');
  await replaceFile(path, writeBlock(text, origin.document, ['spec', ...tokensOf(field)], block));
  if (context.json) printJson(context, { address: addressText(name), field, file: origin.file });
  else context.terminal.out(`Sealed ${addressText(name)} ${field} in ${origin.file}.\n`);
  return 0;
}

/** The object that an address means, and where it is declared, whatever is wrong there; null: nowhere yet. */
function findAddress(repo: Repo, kinds: readonly Kind[], operand: string): { name: ResourceName; origin: Origin | null } {
  const { resources, origins, context } = repo.desired;
  const origin = origins.get(operand) ?? null;
  const resource = resources.find(({ name }) => addressText(name) === operand);
  if (resource !== undefined) return { name: resource.name, origin };
  const mounts = mountPaths([], context, kinds);
  // A document that is declared with something wrong may name a mount that is not there.
  const found = parseAddress(operand, new Map(kinds.map((kind) => [kind.kind, kind])), mounts, origin !== null);
  if (!isAddressProblem(found)) return { name: found, origin };
  const near = nearest(found.word, found.candidates);
  // Without a kind it is anything, the value perhaps: that is not repeated.
  throw new Fault('usage', /^[A-Za-z]{1,40}\//.test(operand) ? found.message : 'the first operand is no address', {
    hint: nearHint(repo, operand) ?? (near === null ? 'An address is Kind/name, or Kind/mount/name.' : `Did you mean ${near}?`),
  });
}

function nearHint({ desired }: Repo, operand: string): string | null {
  const near = nearest(operand, desired.origins.keys());
  return near === null ? null : `Did you mean ${near}?`;
}

function noteUndeclared(context: CliContext, repo: Repo, operand: string): void {
  const hint = nearHint(repo, operand);
  context.terminal.err(
    `Note: no document declares ${operand} yet; the block opens at this address only.${hint === null ? '' : ` ${hint}`}\n`,
  );
}

function tokensOf(field: string): readonly string[] {
  const tokens = parseFieldPath(field);
  if (tokens === null)
    throw new Fault('usage', 'the second operand is no field', {
      hint: 'A field is written data.NAME, or data["NAME"] where the name has other characters.',
    });
  return tokens;
}

function checkField(kinds: readonly Kind[], name: ResourceName, field: string): void {
  const kind = kinds.find((candidate) => candidate.kind === name.kind);
  const probe: Json = tokensOf(field).reduceRight<Json>((inner, token) => ({ [token]: inner }), { sealed: '' });
  let secret = false;
  if (kind !== undefined)
    visitFields(
      probe,
      annotatedFields(kind.spec, (schema) => schema['x-secret'] === true),
      (_value, pointer) => (secret ||= fieldPath(pointerTokens(pointer)) === field),
    );
  // What names no field at all may be the value.
  const isKnown = Object.hasOwn(kind?.spec.properties ?? {}, tokensOf(field)[0] ?? '');
  if (!secret)
    throw new Fault('usage', `${name.kind} has no ${isKnown ? `secret field ${field}` : 'such secret field'}`, {
      hint:
        name.kind === 'StaticSecret' ? 'The fields of a StaticSecret are data.NAME.' : 'Its schema says which fields are secret.',
    });
}

async function readValue(context: CliContext, options: Options, what: string): Promise<string> {
  const file = options.text('from-file');
  if (file !== undefined) return asText(readNamedFile(context, file, 'the file of -from-file'), file);
  if (context.terminal.interactive) return context.terminal.ask(`Value of ${what}: `, { hidden: true });
  const text = asText(await context.terminal.input(maxValueBytes), 'the value');
  noteLineBreak(context, what, text);
  return text;
}

function parseValue(text: string, json: boolean): Json {
  if (text === '') throw new Fault('usage', 'the value is empty');
  if (Buffer.byteLength(text) > maxValueBytes) throw new Fault('usage', `the value is larger than ${maxValueBytes} bytes`);
  if (!json) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new Fault('usage', 'the value is no JSON', { hint: 'Without -json-value it is sealed as the text that it is.' });
  }
}
