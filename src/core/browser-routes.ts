import { noContent } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import type { Route } from './mount-type.ts';

/** Settings for browsers. This server has no pages and lets no other site's pages call it, so there is nothing to set. */
export const browserRoutes: readonly Route[] = [
  {
    path: 'config/cors',
    summary: 'Whether pages of other sites may call this server: never.',
    operations: {
      read: { summary: 'Says so.', sudo: true, handle: () => Promise.resolve({ data: { enabled: false } }) },
      write: {
        summary: 'Refused.',
        sudo: true,
        handle: () => {
          throw badRequest('CORS is not supported: put a proxy in front of this server that answers for the pages you trust');
        },
      },
      delete: { summary: 'Does nothing.', sudo: true, handle: () => Promise.resolve(noContent) },
    },
  },
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
