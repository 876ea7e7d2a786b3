import { noContent } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { corsRoute } from './cors.ts';
import type { Route } from './mount-type.ts';

/** Settings for browsers. This server has no pages of its own. */
export const browserRoutes: readonly Route[] = [
  corsRoute,
  {
    path: 'config/ui/headers',
    summary: 'The headers of the pages of this server, which has none.',
    operations: {
      list: {
        summary: 'Lists none.',
        sudo: true,
        handle: () => {
          throw notFound();
        },
      },
    },
  },
  {
    path: 'config/ui/headers/:name',
    summary: 'A header of the pages of this server, which has none.',
    operations: {
      read: {
        summary: 'There is none.',
        sudo: true,
        handle: () => {
          throw notFound();
        },
      },
      write: {
        summary: 'Refused.',
        sudo: true,
        handle: () => {
          throw badRequest('this server has no pages, so their headers can’t be set');
        },
      },
      delete: { summary: 'Does nothing.', sudo: true, handle: () => Promise.resolve(noContent) },
    },
  },
];
