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
const listed = (name: string, summary: string, load: () => Promise<Command>): Listed => ({ name, summary, load });

export const groups: readonly Group[] = [
  {
    title: 'Desired state',
    commands: [
      listed('init', 'Make a workspace: a config repo with an encrypted store', async () => (await import('./init.ts')).init),
      listed('validate', 'Check the documents without a store', async () => (await import('./validate.ts')).validate),
      listed('fmt', 'Bring the documents into the canonical form', async () => (await import('./fmt.ts')).fmt),
      listed('plan', 'Show what an apply would change', async () => (await import('./plan.ts')).plan),
      listed('apply', 'Make the store as the documents say', async () => (await import('./apply.ts')).apply),
      listed('destroy', 'Destroy everything that this project manages', async () => (await import('./apply.ts')).destroy),
      listed('show', 'Show a saved plan, or a managed object', async () => (await import('./show.ts')).show),
      listed('drift', 'Show what was changed outside of secretctl', async () => (await import('./plan.ts')).drift),
      listed('import', 'Adopt an object that exists already', async () => (await import('./import.ts')).importCommand),
      listed('state list', 'List the managed objects', async () => (await import('./state.ts')).list),
      listed('state show', 'Show the record of a managed object', async () => (await import('./state.ts')).show),
      listed(
        'state mv',
        'Give a record another address, without touching the object',
        async () => (await import('./state.ts')).move,
      ),
      listed('state forget', 'Stop managing an object, and keep it', async () => (await import('./state.ts')).forget),
      listed('force-unlock', 'End the apply lock of somebody else', async () => (await import('./force-unlock.ts')).forceUnlock),
      listed('graph', 'Print what depends on what, for Graphviz', async () => (await import('./graph.ts')).graph),
      listed('encrypt', 'Seal a value, so that it can stand in git', async () => (await import('./encrypt.ts')).encrypt),
    ],
  },
  {
    title: 'Secrets',
    commands: [
      listed('kv get', 'Read a secret', async () => (await import('./kv.ts')).get),
      listed('kv put', 'Write a secret, as a new version', async () => (await import('./kv.ts')).put),
      listed('kv patch', 'Change some fields of a secret', async () => (await import('./kv.ts')).patch),
      listed('kv list', 'List the names in a folder', async () => (await import('./kv.ts')).list),
      listed('kv delete', 'Delete a secret, or some of its versions', async () => (await import('./kv.ts')).remove),
      listed('kv undelete', 'Restore deleted versions', async () => (await import('./kv.ts')).undelete),
      listed('kv destroy', 'Destroy versions for good', async () => (await import('./kv.ts')).destroy),
      listed('kv rollback', 'Make an older version the current one', async () => (await import('./kv.ts')).rollback),
      listed('kv metadata get', 'Show the versions and settings of a secret', async () => (await import('./kv-metadata.ts')).get),
      listed('kv metadata put', 'Set the settings of a secret', async () => (await import('./kv-metadata.ts')).put),
      listed('kv metadata patch', 'Change some settings of a secret', async () => (await import('./kv-metadata.ts')).patch),
      listed(
        'kv metadata delete',
        'Remove a secret with all its versions',
        async () => (await import('./kv-metadata.ts')).remove,
      ),
      listed('secrets list', 'List the secret engines', async () => (await import('./secrets.ts')).list),
      listed('secrets enable', 'Mount a secret engine', async () => (await import('./secrets.ts')).enable),
      listed(
        'secrets disable',
        'Unmount a secret engine, and destroy what it holds',
        async () => (await import('./secrets.ts')).disable,
      ),
      listed('secrets tune', 'Change settings of a secret engine', async () => (await import('./secrets.ts')).tune),
      listed('secrets move', 'Move a secret engine to another path', async () => (await import('./secrets.ts')).move),
      listed('lease list', 'List leases, or those that could not be ended', async () => (await import('./lease.ts')).list),
      listed('lease count', 'Count the leases of each mount', async () => (await import('./lease.ts')).count),
      listed('lease lookup', 'Show a lease', async () => (await import('./lease.ts')).lookup),
      listed('lease renew', 'Prolong a lease', async () => (await import('./lease.ts')).renew),
      listed('lease revoke', 'End a lease, or all below a prefix', async () => (await import('./lease.ts')).revoke),
      listed('lease tidy', 'End what is past its time', async () => (await import('./lease.ts')).tidy),
      listed('unwrap', 'Fetch a wrapped reply, once', async () => (await import('./unwrap.ts')).unwrap),
    ],
  },
  {
    title: 'Access',
    commands: [
      listed('login', 'Log in, and keep the token for the commands after it', async () => (await import('./login.ts')).login),
      listed('print token', 'Print the token that commands work with', async () => (await import('./print-token.ts')).printToken),
      listed('token create', 'Make a token', async () => (await import('./token.ts')).create),
      listed('token lookup', 'Show what a token is and may', async () => (await import('./token.ts')).lookup),
      listed('token renew', 'Prolong a token', async () => (await import('./token.ts')).renew),
      listed('token revoke', 'End a token and those made from it', async () => (await import('./token.ts')).revoke),
      listed('token capabilities', 'Show what a token may do on a path', async () => (await import('./token.ts')).capabilities),
      listed('policy list', 'List the policies', async () => (await import('./policy.ts')).list),
      listed('policy read', 'Print a policy', async () => (await import('./policy.ts')).read),
      listed('policy write', 'Write a policy by hand', async () => (await import('./policy.ts')).write),
      listed('policy delete', 'Delete a policy by hand', async () => (await import('./policy.ts')).remove),
      listed('policy fmt', 'Bring a policy file into the canonical form', async () => (await import('./policy-fmt.ts')).fmt),
      listed('auth list', 'List the auth methods', async () => (await import('./auth.ts')).list),
      listed('auth enable', 'Mount an auth method', async () => (await import('./auth.ts')).enable),
      listed(
        'auth disable',
        'Unmount an auth method, and destroy what it holds',
        async () => (await import('./auth.ts')).disable,
      ),
      listed('auth tune', 'Change settings of an auth method', async () => (await import('./auth.ts')).tune),
      listed('auth move', 'Move an auth method to another path', async () => (await import('./auth.ts')).move),
      listed('auth help', 'Show how to log in with an auth method', async () => (await import('./auth.ts')).help),
    ],
  },
  {
    title: 'Any path of the API',
    commands: [
      listed('read', 'Read any path of the API', async () => (await import('./raw.ts')).read),
      listed('write', 'Write to any path of the API', async () => (await import('./raw.ts')).write),
      listed('patch', 'Change parts of what any path of the API holds', async () => (await import('./raw.ts')).patch),
      listed('list', 'List a folder of any path of the API', async () => (await import('./raw.ts')).list),
      listed('delete', 'Delete any path of the API', async () => (await import('./raw.ts')).remove),
      listed('path-help', 'Show what a path of the API does', async () => (await import('./path-help.ts')).pathHelp),
    ],
  },
  {
    title: 'Operation',
    commands: [
      listed(
        'status',
        'Show whether a store is sealed, and what its server does',
        async () => (await import('./status.ts')).status,
      ),
      listed('server', 'Serve a store over the HTTP API of Vault', async () => (await import('./server.ts')).server),
      listed(
        'operator init',
        'Initialize a server, or make the store of a workspace',
        async () => (await import('./operator-init.ts')).init,
      ),
      listed(
        'operator status',
        'Show the seal and the keys of a store (as status)',
        async () => (await import('./operator.ts')).status,
      ),
      listed('operator unseal', 'Give a server a share of its seal', async () => (await import('./operator-unseal.ts')).unseal),
      listed('operator seal', 'Have a server drop its keys', async () => (await import('./operator-unseal.ts')).seal),
      listed(
        'operator rotate',
        'Rotate the encryption keys and re-encrypt what older ones cover',
        async () => (await import('./operator.ts')).rotate,
      ),
      listed(
        'operator rekey',
        'Make a new root key, and new shares for it',
        async () => (await import('./operator-rekey.ts')).rekey,
      ),
      listed(
        'operator generate-root',
        'Make a new root token, by those who hold the shares',
        async () => (await import('./operator-generate-root.ts')).generateRoot,
      ),
      listed(
        'operator key-status',
        'Show the present encryption key',
        async () => (await import('./operator-keys.ts')).keyStatus,
      ),
      listed(
        'operator check',
        'Check that every record of a served store opens',
        async () => (await import('./operator-keys.ts')).check,
      ),
      listed('operator step-down', 'Have the leader give up its lead', async () => (await import('./operator-keys.ts')).stepDown),
      listed('operator members', 'List the servers of one store', async () => (await import('./operator-keys.ts')).members),
      listed(
        'operator snapshot save',
        'Save a snapshot of a served store',
        async () => (await import('./operator-snapshot.ts')).save,
      ),
      listed(
        'operator snapshot restore',
        'Put a snapshot in the place of a served store',
        async () => (await import('./operator-snapshot.ts')).restore,
      ),
      listed('audit verify', 'Prove that no line of the audit log was changed', async () => (await import('./audit.ts')).verify),
      listed('audit list', 'List the enabled audit sinks', async () => (await import('./audit-device.ts')).list),
      listed(
        'audit enable',
        'Enable an audit sink that the settings declare',
        async () => (await import('./audit-device.ts')).enable,
      ),
      listed('audit disable', 'Disable an audit sink', async () => (await import('./audit-device.ts')).disable),
      listed('version', 'Print the version', async () => (await import('./version.ts')).version),
      listed('completion', 'Print a completion script for a shell', async () => (await import('./completion.ts')).completion),
    ],
  },
];

export function allCommands(): readonly Listed[] {
  return groups.flatMap((group) => group.commands);
}
