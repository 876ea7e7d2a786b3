import { isJsonObject } from '../base/json.ts';
import { recipientOpener, recipients, rotateRecipient } from '../barrier/recipient.ts';
import { sealValue } from '../crypto/sealed-value.ts';
import { badRequest } from '../protocol/request-error.ts';
import { address, list, text } from './apply-body.ts';
import type { CoreContext } from './corridor.ts';
import type { Route, RouteContext } from './mount-type.ts';
import { checkBinding } from './value.ts';

const coreOf = (context: RouteContext) => (context as CoreContext).run.core;

/** `sys/recipient…`: the age identity of the store, for which secrets in git are sealed. */
export const recipientRoutes: readonly Route[] = [
  {
    path: 'recipient',
    summary: 'The public keys for which values are sealed, newest first.',
    operations: {
      read: { summary: 'Reads them.', handle: async (context) => ({ data: { recipients: await recipients(coreOf(context)) } }) },
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
        handle: async (context) => ({ data: { recipient: await rotateRecipient(coreOf(context), context.random) } }),
      },
    },
  },
  {
    path: 'recipient/rewrap',
    summary: 'Seals blocks anew, for the newest recipient or for another address and field. No plaintext returns.',
    operations: {
      write: {
        summary: 'Re-seals blocks.',
        sudo: true,
        fields: {
          blocks: { type: 'any', description: 'A list of {sealed, address, field, to?: {address, field}}.', required: true },
          recipients: { type: 'strings', description: 'Further recipients, as the project lists them.' },
        },
        handle: async (context) => {
          const own = await recipients(coreOf(context));
          const others =
            context.data.recipients === undefined
              ? []
              : list(context.data.recipients, 'recipients').map((item, index) => text(item, `recipients[${index}]`));
          // An older generation of our own identity must not open what is sealed from now on.
          const to = [...new Set([...own.slice(0, 1), ...others.filter((recipient) => !own.includes(recipient))])];
          const open = await recipientOpener(coreOf(context));
          const blocks: string[] = [];
          for (const [index, block] of list(context.data.blocks, 'blocks').entries()) {
            const at = `blocks[${index}]`;
            if (!isJsonObject(block)) throw badRequest(`${at} must be an object`);
            const from = { address: address(block.address, `${at}.address`), field: text(block.field, `${at}.field`) };
            const payload = await open(text(block.sealed, `${at}.sealed`));
            checkBinding(payload, from.address, from.field);
            const target = isJsonObject(block.to)
              ? { address: address(block.to.address, `${at}.to.address`), field: text(block.to.field, `${at}.to.field`) }
              : from;
            const { kind, mount, name } = target.address;
            blocks.push(await sealValue(to, { ...payload, address: [kind, mount, name], field: target.field }));
          }
          return { data: { blocks } };
        },
      },
    },
  },
];
