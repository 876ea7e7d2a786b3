import type { Json } from '../base/json.ts';
import { isIdentifier } from '../base/name.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { type Field, type Fields, readFields } from '../protocol/field.ts';
import { pageFields, readPage } from '../protocol/page.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { capabilitiesSelf } from './capability-routes.ts';
import { passwordPolicyRoutes } from './password-routes.ts';
import { reportingText, sentText } from './policy-text.ts';
import { policyNameProblem, refuseBuiltIn } from './policy-name.ts';
import { resultantAclRoute } from './resultant-acl.ts';
import { deletePolicy, getPolicy, policyNames, putPolicy } from './store.ts';

const policy: Field = { type: 'string', description: 'The rules, in the policy language or its JSON form; may be base64.' };
const rules: Field = { type: 'string', description: 'The old name of `policy`.' };
/** What other servers do with these fields is a limit, so it would be wrong to accept and ignore them. */
const refusedFields = [
  'expiration',
  'ttl',
  'cas',
  'cas_required',
  'allow_wildcards_in_identity_templates',
  'allow_slashes_in_identity_templates',
];

/** The routes of policies and password policies below `sys/`, and what a token asks of its own. */
export const policyRoutes: readonly Route[] = [
  ...aclRoutes('policies/acl', 'policy', { policy }),
  ...aclRoutes('policy', 'rules', { policy, rules }),
  ...passwordPolicyRoutes,
  capabilitiesSelf,
  resultantAclRoute,
];

/** `policies/acl`, and `policy` of old: its list has the names twice, and its read calls the text `rules`. */
function aclRoutes(folder: string, textMember: 'policy' | 'rules', fields: Fields): Route[] {
  const list = async (context: RouteContext): Promise<Reply> => {
    const keys = pageOf(await policyNames(context.storage), context);
    if (keys.length === 0) throw notFound();
    return { data: textMember === 'rules' ? { keys, policies: keys } : { keys } };
  };
  const lists = { summary: 'Lists the names of all policies.', fields: pageFields, handle: list };
  return [
    {
      path: folder,
      summary: 'The policies.',
      operations: textMember === 'rules' ? { list: lists, read: lists } : { list: lists },
    },
    {
      path: `${folder}/:name*`,
      summary: 'One policy.',
      operations: {
        read: { summary: 'Reads its text.', forPlans: true, handle: (context) => read(context, textMember) },
        write: { summary: 'Makes or replaces it.', fields, configures: true, handle: (context) => write(context, fields) },
        delete: { summary: 'Deletes it. Tokens that have it lose what it gave.', configures: true, handle: remove },
      },
    },
  ];
}

/** `root`, which is no record, comes last. */
function pageOf(names: readonly string[], context: RouteContext): readonly string[] {
  const { after = '', limit } = readPage(context.data);
  const rest = after === 'root' ? [] : [...names.filter((name) => name > after), 'root'];
  return rest.slice(0, limit);
}

async function read(context: RouteContext, textMember: string): Promise<Reply> {
  if (!canBeName(context)) throw notFound();
  const name = nameOf(context);
  if (name === 'root') return { data: { name, [textMember]: '' } };
  const record = await getPolicy(context.storage, name);
  if (record === null) throw notFound();
  return { data: { name, [textMember]: record.text } };
}

async function write(context: RouteContext, fields: Fields): Promise<Reply> {
  const name = nameOf(context);
  refuseBuiltIn(name, 'update');
  for (const field of refusedFields) {
    if (isSet(context.data[field]))
      throw badRequest(`${JSON.stringify(field)} is not supported: the policy would not be limited by it`);
  }
  const body = readFields(fields, context.data);
  const [text, old] = [body['policy'], body['rules']];
  const sent = text || old;
  if (typeof sent !== 'string' || sent === '') throw badRequest("'policy' parameter not supplied or empty");
  await reportingText(() => putPolicy(context.storage, name, sentText(sent)));
  return text ? noContent : { warnings: ["'rules' is deprecated, please use 'policy' instead"] };
}

async function remove(context: RouteContext): Promise<Reply> {
  if (!canBeName(context)) return noContent;
  const name = nameOf(context);
  refuseBuiltIn(name, 'delete');
  await deletePolicy(context.storage, name);
  return noContent;
}

function isSet(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== '' && value !== 0;
}

/** What can be no name is the name of nothing; only to write it is a mistake. */
function canBeName(context: RouteContext): boolean {
  return isIdentifier(context.params['name'] ?? '');
}

function nameOf(context: RouteContext): string {
  const name = context.params['name'] ?? '';
  const problem = policyNameProblem(name);
  if (problem !== null) throw badRequest(problem);
  return name;
}
