import type { Command } from './command.ts';

/** A command as the list of commands shows it, with the way to load the rest. */
export interface Listed {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

/** A group of the main help. */
export interface Group {
  readonly title: string;
  readonly commands: readonly Listed[];
}

// Each file is loaded when its command runs and not before: the command line starts fast.
export const groups: readonly Group[] = [
  {
    title: 'Desired state',
    commands: [
      {
        name: 'init',
        summary: 'Make a workspace: a config repo with an encrypted store',
        load: async () => (await import('./init.ts')).init,
      },
      {
        name: 'validate',
        summary: 'Check the documents without a store',
        load: async () => (await import('./validate.ts')).validate,
      },
      { name: 'fmt', summary: 'Bring the documents into the canonical form', load: async () => (await import('./fmt.ts')).fmt },
      { name: 'plan', summary: 'Show what an apply would change', load: async () => (await import('./plan.ts')).plan },
      { name: 'apply', summary: 'Make the store as the documents say', load: async () => (await import('./apply.ts')).apply },
      {
        name: 'destroy',
        summary: 'Destroy everything that this project manages',
        load: async () => (await import('./apply.ts')).destroy,
      },
      { name: 'show', summary: 'Show a saved plan, or a managed object', load: async () => (await import('./show.ts')).show },
      {
        name: 'drift',
        summary: 'Show what was changed outside of secretctl',
        load: async () => (await import('./plan.ts')).drift,
      },
      {
        name: 'import',
        summary: 'Adopt an object that exists already',
        load: async () => (await import('./import.ts')).importCommand,
      },
      { name: 'state list', summary: 'List the managed objects', load: async () => (await import('./state.ts')).list },
      { name: 'state show', summary: 'Show the record of a managed object', load: async () => (await import('./state.ts')).show },
      {
        name: 'state mv',
        summary: 'Give a record another address, without touching the object',
        load: async () => (await import('./state.ts')).move,
      },
      {
        name: 'state forget',
        summary: 'Stop managing an object, and keep it',
        load: async () => (await import('./state.ts')).forget,
      },
      {
        name: 'graph',
        summary: 'Print what depends on what, for Graphviz',
        load: async () => (await import('./graph.ts')).graph,
      },
      {
        name: 'encrypt',
        summary: 'Seal a value, so that it can stand in git',
        load: async () => (await import('./encrypt.ts')).encrypt,
      },
    ],
  },
  {
    title: 'Secrets',
    commands: [
      { name: 'kv get', summary: 'Read a secret', load: async () => (await import('./kv.ts')).get },
      { name: 'kv put', summary: 'Write a secret, as a new version', load: async () => (await import('./kv.ts')).put },
      { name: 'kv patch', summary: 'Change some fields of a secret', load: async () => (await import('./kv.ts')).patch },
      { name: 'kv list', summary: 'List the names in a folder', load: async () => (await import('./kv.ts')).list },
      {
        name: 'kv delete',
        summary: 'Delete a secret, or some of its versions',
        load: async () => (await import('./kv.ts')).remove,
      },
      { name: 'kv undelete', summary: 'Restore deleted versions', load: async () => (await import('./kv.ts')).undelete },
      { name: 'kv destroy', summary: 'Destroy versions for good', load: async () => (await import('./kv.ts')).destroy },
      {
        name: 'kv rollback',
        summary: 'Make an older version the current one',
        load: async () => (await import('./kv.ts')).rollback,
      },
      {
        name: 'kv metadata get',
        summary: 'Show the versions and settings of a secret',
        load: async () => (await import('./kv-metadata.ts')).get,
      },
      {
        name: 'kv metadata put',
        summary: 'Set the settings of a secret',
        load: async () => (await import('./kv-metadata.ts')).put,
      },
      {
        name: 'kv metadata patch',
        summary: 'Change some settings of a secret',
        load: async () => (await import('./kv-metadata.ts')).patch,
      },
      {
        name: 'kv metadata delete',
        summary: 'Remove a secret with all its versions',
        load: async () => (await import('./kv-metadata.ts')).remove,
      },
    ],
  },
  {
    title: 'Access',
    commands: [
      { name: 'token create', summary: 'Make a token', load: async () => (await import('./token.ts')).create },
      { name: 'token lookup', summary: 'Show what a token is and may', load: async () => (await import('./token.ts')).lookup },
      { name: 'token renew', summary: 'Prolong a token', load: async () => (await import('./token.ts')).renew },
      {
        name: 'token revoke',
        summary: 'End a token and those made from it',
        load: async () => (await import('./token.ts')).revoke,
      },
      {
        name: 'token capabilities',
        summary: 'Show what a token may do on a path',
        load: async () => (await import('./token.ts')).capabilities,
      },
      { name: 'policy list', summary: 'List the policies', load: async () => (await import('./policy.ts')).list },
      { name: 'policy read', summary: 'Print a policy', load: async () => (await import('./policy.ts')).read },
      { name: 'policy write', summary: 'Write a policy by hand', load: async () => (await import('./policy.ts')).write },
      { name: 'policy delete', summary: 'Delete a policy by hand', load: async () => (await import('./policy.ts')).remove },
    ],
  },
  {
    title: 'Any path of the API',
    commands: [
      { name: 'read', summary: 'Read any path of the API', load: async () => (await import('./raw.ts')).read },
      { name: 'write', summary: 'Write to any path of the API', load: async () => (await import('./raw.ts')).write },
      { name: 'list', summary: 'List a folder of any path of the API', load: async () => (await import('./raw.ts')).list },
      { name: 'delete', summary: 'Delete any path of the API', load: async () => (await import('./raw.ts')).remove },
    ],
  },
  {
    title: 'Operation',
    commands: [
      {
        name: 'operator init',
        summary: 'Make the store of a workspace (as init)',
        load: async () => (await import('./operator.ts')).init,
      },
      {
        name: 'server',
        summary: 'Serve a store over the HTTP API of Vault',
        load: async () => (await import('./server.ts')).server,
      },
      {
        name: 'operator status',
        summary: 'Show the seal and the keys of the store',
        load: async () => (await import('./operator.ts')).status,
      },
      {
        name: 'operator rotate',
        summary: 'Rotate the encryption keys and re-encrypt what older ones cover',
        load: async () => (await import('./operator.ts')).rotate,
      },
      {
        name: 'operator rekey',
        summary: 'Make a new root key, and new shares for it',
        load: async () => (await import('./operator.ts')).rekey,
      },
      {
        name: 'audit verify',
        summary: 'Prove that no line of the audit log was changed',
        load: async () => (await import('./audit.ts')).verify,
      },
      { name: 'version', summary: 'Print the version', load: async () => (await import('./version.ts')).version },
      {
        name: 'completion',
        summary: 'Print a completion script for a shell',
        load: async () => (await import('./completion.ts')).completion,
      },
    ],
  },
];

export function allCommands(): readonly Listed[] {
  return groups.flatMap((group) => group.commands);
}
