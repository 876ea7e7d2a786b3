import type { JsonObject } from '../../base/json.ts';
import type { Background } from '../../core/mount-jobs.ts';
import type { OperationSpec, Route, RouteContext } from '../../core/mount-type.ts';
import type { Fields } from '../../protocol/field.ts';
import { pageFields, readPage } from '../../protocol/page.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, RequestError } from '../../protocol/request-error.ts';
import { connectionNamed } from './connection-record.ts';
import { rotationEnd, stillUnderWay } from './rotation-end.ts';
import type { Subject } from './rotation-index.ts';
import { beginningOf, beginRotation, rotationsOf, shownRotation } from './rotation.ts';
import { beginRoleRotation, staticCredentialOf, staticRoleNamed } from './static-account.ts';

const rotationPageFields = {
  ...pageFields,
  after: { ...pageFields.after, description: 'Only what comes after this one, as `of` names it; it need not exist.' },
} as const satisfies Fields;

/** Changes of passwords on request, and those under way. `background` null: they are only described. */
export function rotationRoutes(background: Background | null): readonly Route[] {
  const now = (summary: string, kind: Subject['kind'], handle: OperationSpec['handle']): OperationSpec => ({
    summary,
    handle,
    settle: (context, reply) => settled(background, context, { kind, name: nameOf(context) }, reply),
  });
  return [
    {
      path: 'rotate-role/:name',
      summary: 'The password of a static role.',
      operations: { write: now('Changes it now.', 'role', rotateRole) },
    },
    {
      path: 'rotate-root/:name',
      summary: 'The password of the user of a connection.',
      operations: { write: now('Changes it now; from then on nobody but this store knows it.', 'root', rotateRoot) },
    },
    {
      path: 'rotations',
      summary: 'Changes of passwords that are under way, or cannot be carried out.',
      operations: {
        read: { summary: 'Shows how they stand, in the order of `of`.', fields: rotationPageFields, handle: underWay },
      },
    },
  ];
}

const nameOf = (context: RouteContext): string => context.params['name'] ?? '';

async function rotateRole(context: RouteContext): Promise<Reply> {
  const { storage } = context;
  const name = nameOf(context);
  const role = await staticRoleNamed(storage, name);
  if (role === null) throw badRequest('no static role found for role name');
  const connection = await connectionNamed(storage, role.connection);
  if (connection === null) throw badRequest(`failed to find entry for connection with name: "${role.connection}"`);
  const credential = await staticCredentialOf(storage, name);
  const when = { waitsAt: credential?.next ?? null, until: null };
  await beginRoleRotation(beginningOf(context), name, role, connection, when);
  return noContent;
}

async function rotateRoot(context: RouteContext): Promise<Reply> {
  const name = nameOf(context);
  const connection = await connectionNamed(context.storage, name);
  if (connection === null) throw badRequest(`failed to find entry for connection with name: "${name}"`);
  const { username, password, url, passwordPolicy: policy } = connection;
  if (username === '') throw badRequest('unable to rotate root credentials: no username in configuration');
  if (password === '') throw badRequest('unable to rotate root credentials: no password in configuration');
  for (const part of ['username', 'password']) {
    if (!new RegExp(`\\{\\{\\s*${part}\\s*\\}\\}`).test(url)) {
      throw badRequest(
        `unable to rotate root credentials: connection_url has no {{${part}}}, so a new password would not be used`,
      );
    }
  }
  const subject: Subject = { kind: 'root', name };
  await beginRotation(beginningOf(context), { subject, connection: name, username, policy, waitsAt: null, until: null });
  const what = `change the password of "${username}", the user of the connection "${name}"`;
  return { ...noContent, outside: [{ what, mount: context.mount.id, key: `root/${name}` }] };
}

async function settled(background: Background | null, context: RouteContext, subject: Subject, reply: Reply): Promise<Reply> {
  const end = await rotationEnd(background, context.mount.id, subject);
  if (end === 'changed') return reply;
  if (end === 'waiting') return stillUnderWay;
  throw new RequestError(
    500,
    `unable to finish rotating credentials; retries will continue in the background but it is also safe to retry manually: ${end.problem}`,
  );
}

/** Where each kind of subject is configured, in byte order: what a change of its password is listed as. */
const folders = [
  { kind: 'root', folder: 'config/' },
  { kind: 'role', folder: 'static-roles/' },
] as const;

async function underWay(context: RouteContext): Promise<Reply> {
  const { after = '', limit = Infinity } = readPage(context.data);
  const rotations: JsonObject[] = [];
  for (const { kind, folder } of folders) {
    const left = limit - rotations.length;
    const isBehind = after > folder && !after.startsWith(folder);
    if (left === 0 || isBehind) continue;
    const page = {
      ...(after.startsWith(folder) ? { after: after.slice(folder.length) } : {}),
      ...(left === Infinity ? {} : { limit: left }),
    };
    for (const { subject, rotation } of await rotationsOf(context.storage, kind, page)) {
      rotations.push({
        of: `${folder}${subject.name}`,
        db_name: rotation.connection,
        username: rotation.username,
        ...shownRotation(rotation, null),
      });
    }
  }
  return { data: { rotations } };
}
