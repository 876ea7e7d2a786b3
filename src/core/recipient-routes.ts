import { givingWay } from '../base/giving-way.ts';
import { isJsonObject, type Json } from '../base/json.ts';
import { otherRecipients, recipientOpener, recipients, rotateRecipient, setOtherRecipients } from '../barrier/recipient.ts';
import type { SealedOpener } from '../crypto/sealed-value.ts';
import { isRecipient, sealValue } from '../crypto/sealed-value.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import type { ManagedAddress } from '../protocol/managed.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { address, list, text } from './apply-body.ts';
import { admit, type CorridorParts, innerRequest, runOf } from './corridor.ts';
import { recordPath } from './managed.ts';
import type { Route, RouteContext } from './mount-type.ts';
import { checkBinding } from './value.ts';

const mostOthers = 16;

const othersFields = {
  recipients: { type: 'strings', description: 'Age public keys; they replace those before.', required: true },
} as const satisfies Fields;

/** `sys/recipient…`: the age identity of the store, for which secrets in git are sealed. */
export function recipientRoutes(parts: CorridorParts): readonly Route[] {
  return [
    {
      path: 'recipient',
      summary: 'The public keys for which values are sealed, newest first.',
      operations: {
        read: {
          summary: 'Reads them.',
          handle: async (context) => ({ data: { recipients: await recipients(runOf(context).core) } }),
        },
      },
    },
    {
      path: 'recipient/others',
      summary: 'The public keys of others for whom blocks may be sealed anew: another store, a copy kept offline.',
      operations: {
        read: {
          summary: 'Reads them.',
          handle: async (context) => ({ data: { recipients: await otherRecipients(runOf(context).core) } }),
        },
        write: {
          summary: 'Sets them. Whoever has the private key of one can read what is sealed anew.',
          fields: othersFields,
          shown: ['recipients'],
          sudo: true,
          configures: true,
          handle: setOthers,
        },
      },
    },
    {
      path: 'recipient/rotate',
      summary: 'Adds a generation to the store’s age identity; blocks for older ones stay readable.',
      operations: {
        write: {
          summary: 'Rotates it.',
          sudo: true,
          configures: true,
          handle: async (context) => ({ data: { recipient: await rotateRecipient(runOf(context).core, context.random) } }),
        },
      },
    },
    {
      path: 'recipient/rewrap',
      summary: 'Seals blocks anew, for the newest recipient or for another address and field. No plaintext returns.',
      operations: {
        write: {
          summary: 'Re-seals blocks. Another address needs what a move of the object needs.',
          sudo: true,
          fields: {
            blocks: { type: 'any', description: 'A list of {sealed, address, field, to?: {address, field}}.', required: true },
            recipients: { type: 'strings', description: 'Further recipients, as the project lists them.' },
          },
          shown: ['kind', 'mount', 'name', 'field', 'recipients'],
          handle: (context) => rewrap(parts, context),
        },
      },
    },
  ];
}

async function setOthers(context: RouteContext): Promise<Reply> {
  const sent = [...new Set(readFields(othersFields, context.data).recipients)];
  if (sent.length > mostOthers) throw badRequest(`there are at most ${mostOthers} other recipients`);
  for (const recipient of sent) {
    // What is none may be a private key: it is not repeated.
    if (!(await isRecipient(recipient))) throw badRequest('recipients holds something that is no age public key (age1…)');
  }
  await setOtherRecipients(runOf(context).core, sent);
  return noContent;
}

async function rewrap(parts: CorridorParts, context: RouteContext): Promise<Reply> {
  const to = await recipientsFor(context);
  const open = await recipientOpener(runOf(context).core);
  const blocks: string[] = [];
  // Each takes some public-key arithmetic.
  const giveWay = givingWay(1);
  for (const [index, block] of list(context.data.blocks, 'blocks').entries()) {
    await giveWay();
    blocks.push(await sealedAnew(parts, context, open, to, block, `blocks[${index}]`));
  }
  return { data: { blocks } };
}

/** Throws RequestError 400 for one that nobody named who may: else whoever asks would choose who reads. */
async function recipientsFor(context: RouteContext): Promise<readonly string[]> {
  const own = await recipients(runOf(context).core);
  const sent =
    context.data.recipients === undefined
      ? []
      : list(context.data.recipients, 'recipients').map((item, index) => text(item, `recipients[${index}]`));
  const others = sent.filter((recipient) => !own.includes(recipient));
  const known = await otherRecipients(runOf(context).core);
  for (const recipient of others) {
    if (known.includes(recipient)) continue;
    const shown = (await isRecipient(recipient)) ? recipient : 'what was sent';
    throw badRequest(
      `blocks are sealed anew only for recipients that the store knows, and ${shown} is none; whoever may decide it names all others: secretctl write sys/recipient/others recipients=…`,
    );
  }
  // An older generation of our own identity must not open what is sealed from now on.
  return [...new Set([...own.slice(0, 1), ...others])];
}

async function sealedAnew(
  parts: CorridorParts,
  context: RouteContext,
  open: SealedOpener,
  recipients: readonly string[],
  block: Json,
  at: string,
): Promise<string> {
  if (!isJsonObject(block)) throw badRequest(`${at} must be an object`);
  const from = { address: address(block.address, `${at}.address`), field: text(block.field, `${at}.field`) };
  const payload = await open(text(block.sealed, `${at}.sealed`));
  checkBinding(payload, from.address, from.field);
  const target = isJsonObject(block.to)
    ? { address: address(block.to.address, `${at}.to.address`), field: text(block.to.field, `${at}.to.field`) }
    : from;
  await mayMove(parts, context, from.address, target.address);
  const { kind, mount, name } = target.address;
  return sealValue(recipients, { ...payload, address: [kind, mount, name], field: target.field });
}

/** Throws Refusal unless the caller may write the records of both, as a move does: a value can be read where it may stand. */
async function mayMove(parts: CorridorParts, context: RouteContext, from: ManagedAddress, to: ManagedAddress): Promise<void> {
  if (recordPath(from) === recordPath(to)) return;
  const run = runOf(context);
  for (const path of [from, to].map((one) => `sys/managed/record/${recordPath(one)}`)) {
    await admit(parts, run, innerRequest(context.request, 'write', path, {}), context.caller);
  }
}
