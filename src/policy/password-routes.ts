import { isIdentifier } from '../base/name.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { type Fields, readFields } from '../protocol/field.ts';
import { pageFields, readPage } from '../protocol/page.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound, RequestError } from '../protocol/request-error.ts';
import {
  deletePasswordPolicy,
  generatePassword,
  getPasswordPolicy,
  passwordPolicyNames,
  type PasswordPolicyRecord,
  putPasswordPolicy,
} from './password-store.ts';
import { reportingText, sentText } from './policy-text.ts';

const fields = {
  policy: { type: 'string', description: 'Length and rules, in the language of password policies or JSON; may be base64.' },
} as const satisfies Fields;

export const passwordPolicyRoutes: readonly Route[] = [
  {
    path: 'policies/password',
    summary: 'The password policies.',
    operations: { list: { summary: 'Lists their names.', fields: pageFields, handle: list } },
  },
  {
    path: 'policies/password/:name/generate',
    summary: 'A password of a policy.',
    operations: { read: { summary: 'Generates one; it is not kept.', handle: generate } },
  },
  {
    path: 'policies/password/:name*',
    summary: 'One password policy.',
    operations: {
      read: { summary: 'Reads its text.', forPlans: true, handle: read },
      write: { summary: 'Makes or replaces it.', fields, configures: true, handle: write },
      delete: { summary: 'Deletes it.', configures: true, handle: remove },
    },
  },
];

async function list(context: RouteContext): Promise<Reply> {
  const keys = await passwordPolicyNames(context.storage, readPage(context.data));
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

async function read(context: RouteContext): Promise<Reply> {
  return { data: { policy: (await existing(context)).text } };
}

async function generate(context: RouteContext): Promise<Reply> {
  await existing(context);
  return { data: { password: await generatePassword(context.storage, nameOf(context), context.random) } };
}

async function write(context: RouteContext): Promise<Reply> {
  const name = nameOf(context);
  const { policy } = readFields(fields, context.data);
  if (policy === undefined || policy === '') throw badRequest('missing policy');
  await reportingText(() => putPasswordPolicy(context.storage, name, sentText(policy), context.random));
  return noContent;
}

async function remove(context: RouteContext): Promise<Reply> {
  await deletePasswordPolicy(context.storage, nameOf(context));
  return noContent;
}

async function existing(context: RouteContext): Promise<PasswordPolicyRecord> {
  const record = await getPasswordPolicy(context.storage, nameOf(context));
  if (record === null) throw new RequestError(404, 'policy does not exist');
  return record;
}

function nameOf(context: RouteContext): string {
  const name = context.params['name'] ?? '';
  if (!isIdentifier(name)) {
    throw badRequest(
      'the name of a password policy has 1 to 128 letters, digits, ".", "_", "@" or "-" and starts with a letter or digit',
    );
  }
  return name;
}
