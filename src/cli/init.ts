import { existsSync } from 'node:fs';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Fault } from '../base/error.ts';
import { isIdentifier } from '../base/name.ts';
import type { Command } from './command.ts';
import type { CliContext, CreatedStore } from './context.ts';
import { replaceFile } from './files.ts';
import { configDirectory, findWorkspace, projectFile, relativeTo, storeFolder } from './workspace.ts';

export const init: Command = {
  path: ['init'],
  summary: 'Make a workspace: a config repo with an encrypted store',
  operands: 'DIR',
  arity: { min: 1, max: 1 },
  description:
    'Makes an encrypted store in DIR/.secretctl (mode 0700, ignored by git), and DIR/secretctl.yaml with the public key for which secrets in git are sealed. ' +
    'In a repo that has a secretctl.yaml the key is added to it. The seal key and the root token are written below $XDG_CONFIG_HOME/secretctl, outside of the repo; ' +
    'Shamir shares are shown once and stored nowhere. An existing store is never touched.',
  examples: [
    { command: 'secretctl init acme', explanation: 'A new workspace, sealed by a key file of its own.' },
    {
      command: 'secretctl init acme -seal shamir -shares 5 -threshold 3',
      explanation: 'Any three of five people open the store together.',
    },
  ],
  options: {
    seal: { type: 'text', value: 'static|shamir', description: 'What protects the root key (default static).' },
    shares: { type: 'number', value: 'N', description: 'With -seal shamir: how many shares are made (default 5).' },
    threshold: { type: 'number', value: 'M', description: 'With -seal shamir: how many of them open the store (default 3).' },
  },
  async run(context, [operand = '.'], options) {
    if (operand === '') throw new Fault('usage', 'the name of the directory is empty');
    const directory = resolve(context.cwd, operand);
    const seal = readSeal(options.text('seal') ?? 'static', options.number('shares'), options.number('threshold'));
    const file = join(directory, projectFile);
    refuseNested(context, directory);
    const project = existsSync(file) ? await projectWith(file) : newProject(directory);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const stores = await context.stores();
    const created = await stores.create({
      directory: join(directory, storeFolder),
      configDirectory: configDirectory(context.env),
      seal,
      async show(told) {
        if (context.json) context.terminal.out(`${JSON.stringify({ directory, ...told })}\n`);
        else if (seal.type === 'shamir') context.terminal.out(sharesText(told.shares, seal.threshold));
      },
    });
    await replaceFile(file, project(created.recipient));
    const schemas = new URL('../../schemas/', import.meta.url);
    if (existsSync(schemas)) await cp(schemas, join(directory, 'schemas'), { recursive: true });
    if (!context.json) context.terminal.out(report(created, relativeTo(context.cwd, directory), seal));
    return 0;
  },
};

/** The documents of a workspace inside another one would be those of both. */
function refuseNested(context: CliContext, directory: string): void {
  const outer = findWorkspace(dirname(directory));
  if (outer === null || existsSync(join(directory, projectFile))) return;
  throw new Fault('usage', `${relativeTo(context.cwd, directory)} lies in the workspace ${outer}`, {
    hint: 'The documents of one would be documents of the other. Choose a directory outside of it.',
  });
}

function readSeal(type: string, shares: number | undefined, threshold: number | undefined) {
  if (type === 'static') {
    if (shares !== undefined || threshold !== undefined)
      throw new Fault('usage', '-shares and -threshold belong to -seal shamir');
    return { type } as const;
  }
  if (type !== 'shamir') throw new Fault('usage', `-seal is static or shamir, not ${JSON.stringify(type)}`);
  const n = shares ?? 5;
  const m = threshold ?? Math.min(3, n);
  if (n < 1 || n > 255) throw new Fault('usage', '-shares is a number from 1 to 255');
  if (m < 1 || m > n) throw new Fault('usage', '-threshold is a number from 1 to that of the shares');
  if (m === 1 && n > 1)
    throw new Fault('usage', 'with -threshold 1 each share alone opens the store', {
      hint: 'Make one share (-shares 1 -threshold 1), or ask for two at least.',
    });
  return { type: 'shamir', shares: n, threshold: m } as const;
}

function newProject(directory: string): (recipient: string) => string {
  const name = basename(directory)
    .replaceAll(/[^A-Za-z0-9._@-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return (recipient) => `# yaml-language-server: $schema=schemas/secretctl.json
apiVersion: secretctl/v1
kind: Project
metadata:
  name: ${isIdentifier(name) ? JSON.stringify(name).slice(1, -1) : 'secrets'}
spec:
  # Values in git are sealed for these keys: the public keys of the stores that must open them.
  recipients:
    - ${recipient}
`;
}

/** The present project file with a recipient added; everything else, comments included, stays as it is. */
async function projectWith(file: string): Promise<(recipient: string) => string> {
  const { parseAllDocuments, isMap, isSeq } = await import('yaml');
  const text = await readFile(file, 'utf8');
  const documents = parseAllDocuments(text);
  const project = documents.find((document) => document.get('kind') === 'Project');
  if (documents.some((document) => document.errors.length > 0) || project === undefined || !isMap(project.contents)) {
    throw new Fault('file', `${file} is there, but holds no readable Project document`, {
      hint: 'See what is wrong with: secretctl validate',
    });
  }
  return (recipient) => {
    const list = project.getIn(['spec', 'recipients']);
    if (isSeq(list)) {
      list.flow = false;
      list.add(recipient);
    } else project.setIn(['spec', 'recipients'], [recipient]);
    return documents.map((document) => document.toString({ lineWidth: 0 })).join('');
  };
}

function sharesText(shares: readonly string[], threshold: number): string {
  const lines = shares.map((share, index) => `  Share ${index + 1}: ${share}\n`).join('');
  return `These ${shares.length} shares are shown once and stored nowhere. Any ${threshold} of them open the store; give each to another person.\n\n${lines}\n`;
}

function report(created: CreatedStore, directory: string, seal: ReturnType<typeof readSeal>): string {
  const lines = [
    `Initialized the store ${created.storeId} in ${directory === '.' ? '' : `${directory}/`}${storeFolder}.`,
    '',
    `Recipient   ${created.recipient}`,
  ];
  if (created.keyFile !== null) lines.push(`Seal key    ${created.keyFile}`);
  lines.push(`Root token  ${created.tokenFile}`, '');
  if (seal.type === 'static')
    lines.push('Keep a copy of the seal key in a safe place: without it nobody can open the store.', '');
  lines.push('Next:', ...(directory === '.' ? [] : [`  cd ${directory}`]), '  secretctl plan', '  secretctl apply', '');
  return lines.join('\n');
}
