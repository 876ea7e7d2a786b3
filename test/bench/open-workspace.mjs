// A workspace's store, opened in this process as a command opens it.
import { stores } from '../../dist/compose.js';
import { createWorkspace } from './workspace.mjs';

/** `send` is the corridor with the root token unless another is given; `close` gives the store back and removes it. */
export async function openWorkspace() {
  const workspace = createWorkspace();
  const opened = await stores.open({
    directory: workspace.store,
    configDirectory: workspace.configDirectory,
    command: 'bench',
    lockTimeout: 0,
    acceptAuditLoss: false,
    nextShare: () => Promise.resolve(null),
    notify: () => undefined,
  });
  return {
    ...workspace,
    storeId: opened.storeId,
    send: (operation, path, data = {}, token = workspace.token) => opened.handle({ operation, path, data, token }),
    closeStore: () => opened.close(),
  };
}
