import type { View } from '../barrier/view.ts';
import { readPage } from '../protocol/page.ts';
import type { Reply } from '../protocol/reply.ts';
import { notFound } from '../protocol/request-error.ts';
import type { RouteContext } from './mount-type.ts';

/**
 * Answers a list request (whose fields are `pageFields`) with the names in a folder of `view` (`''`: its root), one page of
 * them where the request asks for a page. Throws RequestError 404 where there are none.
 */
export async function listFolder(context: RouteContext, view: View, folder: string): Promise<Reply> {
  const keys = await view.children(folder === '' ? '' : `${folder}/`, readPage(context.data));
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}
