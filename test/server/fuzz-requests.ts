/** A repeatable source of choices (xorshift32). */
export class Choices {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  one(inSo: number): boolean {
    return this.below(inSo) === 0;
  }
}

const verbs = ['GET', 'GET', 'GET', 'LIST', 'POST', 'POST', 'PUT', 'PUT', 'PATCH', 'DELETE', 'HEAD'];
const oddVerbs = ['SCAN', 'LINK', 'BIND', 'OPTIONS', 'TRACE', 'FOO', 'get', 'L', ''];
const names = [
  'a',
  'b',
  'admin',
  'root',
  'default',
  'kv',
  'x.y',
  'A',
  'ü',
  '%20',
  '..',
  '%2e%2e',
  '',
  '*',
  'a%2fb',
  'token',
  '\u0000',
];

/** Every part of the API; `$` stands for a name. What would end the server for the others, or limit how much it answers, is left out. */
const paths = [
  'sys/health',
  'sys/seal-status',
  'sys/leader',
  'sys/init',
  'sys/unseal',
  'sys/mounts',
  'sys/mounts/$',
  'sys/mounts/$/tune',
  'sys/auth',
  'sys/auth/$',
  'sys/auth/$/tune',
  'sys/policies/acl',
  'sys/policies/acl/$',
  'sys/policy',
  'sys/policy/$',
  'sys/policies/password/$',
  'sys/policies/password/$/generate',
  'sys/capabilities',
  'sys/capabilities-self',
  'sys/capabilities-accessor',
  'sys/audit',
  'sys/audit-hash/$',
  'sys/leases/lookup',
  'sys/leases/lookup/$',
  'sys/leases/renew',
  'sys/leases/revoke',
  'sys/leases/revoke-prefix/$',
  'sys/leases/count',
  'sys/wrapping/wrap',
  'sys/wrapping/unwrap',
  'sys/wrapping/lookup',
  'sys/wrapping/rewrap',
  'sys/internal/ui/mounts',
  'sys/internal/ui/mounts/$',
  'sys/internal/ui/resultant-acl',
  'sys/internal/specs/openapi',
  'sys/remount',
  'sys/tools/random',
  'sys/tools/random/$',
  'sys/tools/hash',
  'sys/tools/hash/$',
  'sys/config/cors',
  'sys/config/auditing/request-headers',
  'sys/config/auditing/request-headers/$',
  'sys/metrics',
  'sys/host-info',
  'sys/key-status',
  'sys/rotate',
  'sys/rotate/config',
  'sys/generate-root/attempt',
  'sys/generate-root/update',
  'sys/rekey/init',
  'sys/rekey/update',
  'sys/rekey/verify',
  'sys/rotate/root/init',
  'sys/managed',
  'sys/managed/snapshot',
  'sys/managed/observe/$',
  'sys/managed/check-sealed',
  'sys/managed/rename',
  'sys/managed/record/Policy/-/$',
  'sys/apply',
  'sys/reconciler',
  'sys/storage/check',
  'sys/recipient',
  'sys/recipient/rewrap',
  'sys/locked-users',
  'sys/plugins/catalog',
  'sys/version-history',
  'auth/token/create',
  'auth/token/create-orphan',
  'auth/token/create/$',
  'auth/token/lookup',
  'auth/token/lookup-self',
  'auth/token/lookup-accessor',
  'auth/token/renew',
  'auth/token/renew-self',
  'auth/token/renew-accessor',
  'auth/token/revoke',
  'auth/token/revoke-accessor',
  'auth/token/revoke-orphan',
  'auth/token/accessors',
  'auth/token/roles',
  'auth/token/roles/$',
  'auth/token/tidy',
  'auth/approle/role',
  'auth/approle/role/$',
  'auth/approle/role/$/role-id',
  'auth/approle/role/$/secret-id',
  'auth/approle/role/$/secret-id/lookup',
  'auth/approle/role/$/secret-id-accessor/lookup',
  'auth/approle/role/$/policies',
  'auth/approle/login',
  'auth/approle/tidy/secret-id',
  'auth/userpass/users',
  'auth/userpass/users/$',
  'auth/userpass/users/$/password',
  'auth/userpass/login/$',
  'kv/data/$',
  'kv/data/$/$',
  'kv/metadata/$',
  'kv/metadata',
  'kv/config',
  'kv/delete/$',
  'kv/undelete/$',
  'kv/destroy/$',
  'kv/subkeys/$',
  'old/$',
  'old',
  'cubbyhole/$',
  'cubbyhole',
  'identity/entity',
  'identity/entity/id',
  'identity/entity/id/$',
  'identity/entity/name/$',
  'identity/entity/merge',
  'identity/entity-alias',
  'identity/entity-alias/id/$',
  'identity/group',
  'identity/group/id/$',
  'identity/group/name/$',
  'identity/group-alias',
  'identity/lookup/entity',
  'identity/lookup/group',
  '$',
  '$/$',
  '',
];

const fields = [
  'data',
  'options',
  'cas',
  'versions',
  'policy',
  'policies',
  'token_policies',
  'ttl',
  'period',
  'num_uses',
  'type',
  'config',
  'name',
  'id',
  'metadata',
  'meta',
  'role_id',
  'secret_id',
  'password',
  'token',
  'accessor',
  'path',
  'paths',
  'lease_id',
  'increment',
  'rate',
  'key',
  'nonce',
  'reset',
  'secret_shares',
  'secret_threshold',
  'description',
  'max_versions',
  'custom_metadata',
  'from',
  'to',
  'input',
  'format',
  'bytes',
  'reads',
  'project',
  'changes',
  'revision',
  'blocks',
  'mount_accessor',
  'canonical_id',
  'member_entity_ids',
  'alias_name',
  '__proto__',
  'constructor',
];

const values: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  2,
  1e3,
  1.5,
  1e308,
  -0,
  '',
  'a',
  '1',
  '1h',
  '-5m',
  'true',
  'default',
  'root',
  'kv',
  '*',
  '../x',
  'ü\u0000',
  'x'.repeat(300),
  [],
  [1],
  ['a', 'b'],
  [null],
  {},
  { a: 1 },
  { a: { b: 'c' } },
  { version: '2' },
  'path "kv/*" { capabilities = ["read"] }',
  'path "',
  9007199254740993,
  '99999999999999999999',
];

export interface FuzzRequest {
  readonly bytes: string;
  /** False: the bytes were damaged, and the connection may end without an answer. */
  readonly whole: boolean;
}

/** One request, most of them such as a client could send, some that nobody should. */
export function fuzzRequest(choices: Choices, tokens: readonly string[]): FuzzRequest {
  const verb = choices.one(20) ? choices.of(oddVerbs) : choices.of(verbs);
  let path = choices.of(paths).replaceAll('$', () => encoded(choices.of(names)));
  if (choices.one(6))
    path += choices.of([
      '?list=true',
      '?help=1',
      '?version=1',
      '?limit=2&after=a',
      '?x=%zz',
      '?list=maybe',
      '/',
      '//',
      '#a',
      '?',
    ]);
  const headers = [`Host: x`];
  if (!choices.one(12)) headers.push(`X-Vault-Token: ${choices.of(tokens)}`);
  if (choices.one(15)) headers.push(`X-Vault-Wrap-TTL: ${choices.of(['60', '1s', '-1', 'x', '0', '999999999h'])}`);
  if (choices.one(30))
    headers.push(
      choices.of([
        'X-Vault-Namespace: a',
        'Authorization: Bearer x',
        'Content-Encoding: gzip',
        'Expect: 100-continue',
        'X-Vault-Token: y',
        'Connection: close',
        'Transfer-Encoding: chunked',
        'Upgrade: h2c',
      ]),
    );
  let body = '';
  if (['POST', 'PUT', 'PATCH'].includes(verb) || choices.one(15)) {
    body = choices.one(15)
      ? choices.of(['{', '[]', 'null', '"a"', '{"a":1,"a":2}', '{"a":', '['.repeat(200), 'a=b&c=d', '\u0000'])
      : JSON.stringify(object(choices, 3));
    headers.push(`Content-Type: ${verb === 'PATCH' && !choices.one(5) ? 'application/merge-patch+json' : 'application/json'}`);
    headers.push(`Content-Length: ${Buffer.byteLength(body)}`);
  }
  const bytes = `${verb} /v1/${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
  if (!choices.one(25)) return { bytes, whole: verb !== '' && !/Expect|Upgrade|chunked|close/.test(bytes) };
  const at = choices.below(bytes.length);
  const damage = choices.of(['', '\r\n', ' ', '\u0000', 'A', 'ÿ', bytes.slice(0, 40)]);
  return { bytes: bytes.slice(0, at) + damage + bytes.slice(at + choices.below(4)), whole: false };
}

function encoded(name: string): string {
  return /^[\x21-\x7e]*$/.test(name) ? name : encodeURIComponent(name);
}

function object(choices: Choices, depth: number): Record<string, unknown> {
  const made: [string, unknown][] = [];
  for (let left = choices.below(5); left > 0; left--) {
    made.push([choices.of(fields), depth > 0 && choices.one(4) ? object(choices, depth - 1) : choices.of(values)]);
  }
  return Object.fromEntries(made);
}
