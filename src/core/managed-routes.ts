import { givingWay } from '../base/giving-way.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { recipientOpener } from '../barrier/recipient.ts';
import type { SealedOpener } from '../crypto/sealed-value.ts';
import type { ManagedRecord, Snapshot } from '../protocol/managed.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound, RequestError } from '../protocol/request-error.ts';
import { address, list, readRead, text } from './apply-body.ts';
import { type CorridorParts, innerRequest, runOf, typeKey } from './corridor.ts';
import { addressOfPath, managedRecords } from './managed.ts';
import type { Mount, Route, RouteContext } from './mount-type.ts';
import { readReply } from './plan-read.ts';
import { checkBinding } from './value.ts';

/** `sys/managed/…`: what config repos manage, and everything that a plan needs to know of the store. */
export function managedRoutes(parts: CorridorParts, storeId: string): readonly Route[] {
  return [
    {
      path: 'managed',
      summary: 'The records of all managed objects.',
      operations: {
        read: {
          summary: 'Reads them.',
          handle: async (context) => ({
            data: { records: (await managedRecords(runOf(context).core).all()) as unknown as Json },
          }),
        },
      },
    },
    {
      path: 'managed/snapshot',
      summary: 'Everything that a plan needs, read at one config revision. Each read is authorised as if it were sent alone.',
      operations: {
        write: {
          summary: 'Takes a snapshot.',
          shown: ['project', 'operation', 'path', 'revision'],
          fields: {
            project: { type: 'string', description: 'The project that plans; without it only mounts and revision are shown.' },
            reads: { type: 'any', description: 'The reads: a list of {operation, path}.' },
            asides: { type: 'any', description: 'Reads that no plan depends on: the reply to one that is refused is null.' },
            revision: { type: 'int', description: 'Refuse unless the store is at this revision.' },
          },
          handle: async (context) => ({ data: (await snapshot(parts, storeId, context)) as unknown as JsonObject }),
        },
      },
    },
    {
      path: 'managed/observe/:path*',
      summary: 'The mark of an object that has no readable metadata, without its secret: it changes with every write.',
      operations: { read: { summary: 'Reads the mark.', forPlans: true, handle: (context) => observe(parts, context) } },
    },
    {
      path: 'managed/record/:path*',
      summary: 'The record of one managed object: <Kind>/<mount, ":" for "/", or "-">/<name>.',
      exists: async (context) =>
        (await managedRecords(runOf(context).core).get(addressOfPath(context.params.path ?? ''))) !== null,
      operations: {
        read: {
          summary: 'Reads it.',
          handle: async (context) => {
            const record = await managedRecords(runOf(context).core).get(addressOfPath(context.params.path ?? ''));
            if (record === null) throw notFound();
            return { data: record as unknown as JsonObject };
          },
        },
        write: {
          summary: 'Records are written by sys/apply; a policy on this path says for which addresses.',
          handle: () =>
            Promise.reject(
              badRequest(
                'managed records are written by sys/apply; to adopt, move or forget an object use a Refactor document or the command line',
              ),
            ),
        },
        delete: {
          summary: 'Forgets the object: it stays as it is and is managed no more.',
          configures: true,
          handle: async (context) => {
            const records = managedRecords(runOf(context).core);
            const forgotten = addressOfPath(context.params.path ?? '');
            if ((await records.get(forgotten)) === null) throw notFound();
            await records.delete(forgotten);
            return noContent;
          },
        },
      },
    },
    {
      path: 'managed/check-sealed',
      summary:
        'Says of sealed blocks whether they open here and are bound to the address and field where they stand. No value returns.',
      operations: {
        write: {
          summary: 'Checks blocks.',
          shown: ['kind', 'mount', 'name', 'field'],
          fields: { blocks: { type: 'any', description: 'A list of {sealed, address, field}.', required: true } },
          handle: async (context) => {
            const open = await recipientOpener(runOf(context).core);
            const verdicts: (string | null)[] = [];
            const giveWay = givingWay(1);
            for (const [index, block] of list(context.data.blocks, 'blocks').entries()) {
              await giveWay();
              verdicts.push(await verdict(open, block, `blocks[${index}]`));
            }
            return { data: { verdicts } };
          },
        },
      },
    },
  ];
}

async function snapshot(parts: CorridorParts, storeId: string, context: RouteContext): Promise<Snapshot> {
  const run = runOf(context);
  const project = context.data.project === undefined ? null : text(context.data.project, 'project');
  const { revision } = run.revision;
  if (context.data.revision !== undefined && context.data.revision !== revision) {
    throw new RequestError(409, 'the configuration changed while the plan was being made; plan again');
  }
  const records = project === null ? [] : await managedRecords(run.core).all();
  const reads = list(context.data.reads ?? [], 'reads').map((read, index) => readRead(read, `reads[${index}]`));
  const replies: (JsonObject | null)[] = [];
  const giveWay = givingWay(32);
  for (const read of reads) {
    await giveWay();
    replies.push(await readReply(parts, run, innerRequest(context.request, read.operation, read.path, {}), context.caller));
  }
  const asides: (JsonObject | null)[] = [];
  for (const [index, aside] of list(context.data.asides ?? [], 'asides').entries()) {
    const { operation, path } = readRead(aside, `asides[${index}]`);
    await giveWay();
    const request = innerRequest(context.request, operation, path, {});
    asides.push(await readReply(parts, run, request, context.caller).catch(nullIfRefused));
  }
  const mounts = run.mounts.all();
  return {
    storeId,
    revision,
    managed: records.filter((record) => record.project === project),
    foreign: records
      .filter((record) => record.project !== project)
      .map((record: ManagedRecord) => ({ address: record.address, project: record.project })),
    engines: lensMounts(mounts.filter((mount) => mount.class === 'secret')),
    methods: lensMounts(mounts.filter((mount) => mount.class === 'auth')),
    types: { engines: typesOf(parts, 'secret'), methods: typesOf(parts, 'auth') },
    replies,
    asides,
  };
}

function nullIfRefused(error: unknown): null {
  if (error instanceof RequestError && error.status < 500) return null;
  throw error;
}

function typesOf({ types }: CorridorParts, mountClass: Mount['class']): string[] {
  const prefix = typeKey(mountClass, '');
  return [...types.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

function lensMounts(mounts: readonly Mount[]): Snapshot['engines'] {
  return Object.fromEntries(mounts.map((mount) => [mount.path, { type: mount.type, options: mount.options }]));
}

async function observe(parts: CorridorParts, context: RouteContext): Promise<Reply> {
  const run = runOf(context);
  const destination = run.mounts.resolve(context.params.path ?? '');
  const type = destination === null ? undefined : parts.types.get(typeKey(destination.mount.class, destination.mount.type));
  if (destination === null || type?.observe === undefined || destination.path === '' || destination.mount.id === 'cubbyhole')
    throw notFound();
  const { mount, path } = destination;
  const observation = await type.observe({ ...context, mount, storage: parts.barrier.view(run.tx, { mountId: mount.id }) }, path);
  if (observation === null) throw notFound();
  return { data: { mark: observation.mark } };
}

async function verdict(open: SealedOpener, block: Json, at: string): Promise<string | null> {
  if (!isJsonObject(block)) throw badRequest(`${at} must be an object`);
  const stands = address(block.address, `${at}.address`);
  const field = text(block.field, `${at}.field`);
  try {
    checkBinding(await open(text(block.sealed, `${at}.sealed`)), stands, field);
    return null;
  } catch (error) {
    // Only what is wrong with the block is a verdict; a failing store is not.
    if (error instanceof RequestError) return error.message;
    throw error;
  }
}
