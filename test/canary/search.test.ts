import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const base = mkdtempSync(join(tmpdir(), 'secretctl-canary-'));
const workspace = join(base, 'acme');
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Whatever was printed by a command whose purpose is not to print that secret. */
const heard: { readonly from: string; readonly text: string }[] = [];
/** Secrets by what they are. */
const canaries = new Map<string, string>();

interface Given {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Its purpose is to print the secret: standard output is not searched, standard error is. */
  readonly shows?: boolean;
  readonly cwd?: string;
}

function secretctl(words: readonly string[], { input = '', env = {}, shows = false, cwd = workspace }: Given = {}) {
  // Umask 000: modes must not depend on the user's.
  const result = spawnSync('sh', ['-c', 'umask 000; exec "$0" "$@"', process.execPath, join(root, 'dist/main.js'), ...words], {
    cwd,
    input,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: base,
      XDG_CONFIG_HOME: join(base, 'config'),
      CANARY: canaries.get('environment') ?? '',
      ...env,
    },
  });
  const from = words.map((word) => word.slice(0, 60)).join(' ');
  if (!shows) heard.push({ from, text: result.stdout });
  heard.push({ from, text: result.stderr });
  return { code: result.status, out: result.stdout, err: result.stderr };
}

/** The forms in which a text could be seen: raw, each line of it, escaped, encoded, or as a digest that can be guessed against. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const lines = secret.split('\n').filter((line) => line.length >= 12);
  const shifted = [0, 1, 2].map((skip) => bytes.subarray(skip).toString('base64').slice(0, -4));
  const digests = ['sha256', 'sha1', 'md5'].flatMap((name) =>
    (['hex', 'base64'] as const).map((form) => createHash(name).update(secret).digest(form)),
  );
  return [
    ...lines,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('hex'),
    ...shifted,
    ...digests,
  ].filter((form) => form.length >= 12);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('no secret appears in any output, plan, plan file, error, audit line or file of the store', { timeout: 240_000 }, () => {
  cpSync(join(root, 'examples/quickstart'), workspace, { recursive: true, filter: (path) => !path.endsWith('.mjs') });
  canaries.set('environment', 'canary-env-7f3a9c1e55aa');
  canaries.set('file', 'canary-file-first-line-91bc\ncanary-file-second-line-04de');
  canaries.set('sealed', 'canary-sealed-pä$$"wörd\\-2b8d6f');
  canaries.set('sealed number', '902718281828459');
  canaries.set('by hand', 'canary-by-hand-aa11bb22cc33');
  canaries.set('pasted', 'canary-pasted-in-the-wrong-place-5e5e');
  secretctl(['init', workspace], { cwd: base });
  const config = filesBelow(join(base, 'config'));
  for (const path of config) canaries.set(path.slice(-6), readFileSync(path, 'utf8').trim());

  writeFileSync(join(workspace, 'value.txt'), canaries.get('file') ?? '', { mode: 0o600 });
  writeFileSync(
    join(workspace, 'secrets/sources.yaml'),
    `apiVersion: secretctl/v1
kind: StaticSecret
metadata: { name: payments/sources }
spec:
  engine: kv
  data:
    env: { fromEnv: CANARY }
    file: { fromFile: value.txt }
    made: { generate: { length: 40 } }
`,
  );
  expect(
    secretctl(['encrypt', '-write', 'StaticSecret/kv/payments/stripe', 'data.api_key'], { input: canaries.get('sealed') ?? '' })
      .code,
  ).toBe(0);
  expect(
    secretctl(['encrypt', '-write', '-json-value', 'StaticSecret/kv/payments/sources', 'data.number'], {
      input: canaries.get('sealed number') ?? '',
    }).code,
  ).toBe(0);
  expect(secretctl(['plan', '-out=saved.plan']).code).toBe(0);
  secretctl(['plan', '-json']);
  expect(secretctl(['apply', 'saved.plan']).code).toBe(0);
  secretctl(['apply', 'saved.plan']);
  const shown = JSON.parse(secretctl(['kv', 'get', '-json', 'kv/payments/sources'], { shows: true }).out) as {
    data: { data: Record<string, string | number> };
  };
  expect(shown.data.data).toMatchObject({
    env: canaries.get('environment'),
    file: canaries.get('file'),
    number: 902_718_281_828_459,
  });
  canaries.set('generated', String(shown.data.data.made));
  expect(secretctl(['kv', 'get', '-field=api_key', 'kv/payments/stripe'], { shows: true }).out).toContain(canaries.get('sealed'));

  // Tokens and secret ids that are made on the way.
  const token = JSON.parse(secretctl(['token', 'create', '-policy=payments-read', '-json'], { shows: true }).out) as {
    auth: { client_token: string };
  };
  canaries.set('token', token.auth.client_token);
  canaries.set(
    'secret id',
    secretctl(['write', '-field=secret_id', 'auth/approle/role/payments-api/secret-id', 'metadata={}'], {
      shows: true,
    }).out.trim(),
  );
  const narrow = { VAULT_TOKEN: token.auth.client_token };
  secretctl(['kv', 'get', 'kv/payments/stripe'], { env: narrow, shows: true });
  for (const words of [
    ['kv', 'put', 'kv/other', 'a=-'],
    ['plan'],
    ['apply', '-auto-approve'],
    ['policy', 'list'],
    ['token', 'revoke', canaries.get('token') ?? ''],
    ['token', 'lookup', canaries.get('token') ?? ''],
  ]) {
    secretctl(words, { env: narrow, input: canaries.get('by hand') ?? '' });
  }

  // Changes by hand, and what is said of them.
  secretctl(['kv', 'patch', 'kv/payments/stripe', 'api_key=-'], { input: canaries.get('by hand') ?? '' });
  secretctl(['drift']);
  secretctl(['drift', '-json']);
  secretctl(['apply', '-auto-approve', '-json']);
  secretctl(['state', 'show', 'StaticSecret/kv/payments/sources']);
  secretctl(['state', 'show', '-json', 'StaticSecret/kv/payments/stripe']);
  secretctl(['kv', 'metadata', 'get', 'kv/payments/stripe']);

  // Mistakes.
  const pasted = canaries.get('pasted') ?? '';
  const broken = join(workspace, 'secrets/broken.yaml');
  for (const value of [
    pasted,
    `{ sealed: "${pasted}" }`,
    `{ generate: "${pasted}" }`,
    `"${pasted}`,
    `{ valeu: ${pasted} }`,
    `[${pasted}, {`,
    `!!str ${pasted}`,
  ]) {
    writeFileSync(
      broken,
      `apiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: { name: payments/broken }\nspec:\n  engine: kv\n  data:\n    key: ${value}\n`,
    );
    for (const words of [['validate'], ['validate', '-json'], ['plan']]) expect(secretctl(words).code).toBe(1);
    secretctl(['fmt', '-check']);
  }
  rmSync(broken);
  writeFileSync(join(base, 'wrong-shares'), `${pasted}\n`, { mode: 0o600 });
  secretctl(['kv', 'put', 'kv/payments/stripe', '-cas=77', 'a=-'], { input: pasted });
  secretctl(['write', 'sys/policies/acl/x', 'policy=-'], { input: canaries.get('by hand') ?? '' });
  secretctl(['kv', 'get', 'kv/payments/stripe'], { env: { VAULT_TOKEN: pasted } });
  secretctl(['encrypt', '-json-value', 'StaticSecret/kv/payments/stripe', 'data.api_key'], { input: pasted });
  secretctl(['encrypt', '-recipient=age1wrong', 'StaticSecret/kv/payments/stripe', 'data.api_key'], { input: pasted });

  // A second store whose shares are secrets too, and a block that was made for another place.
  const made = JSON.parse(
    secretctl(['init', join(base, 'shared'), '-seal=shamir', '-shares=2', '-threshold=2', '-json'], { cwd: base, shows: true })
      .out,
  ) as { shares: string[]; tokenFile: string };
  made.shares.forEach((share, index) => canaries.set(`share ${index}`, share));
  canaries.set('root token 2', readFileSync(made.tokenFile, 'utf8').trim());
  writeFileSync(join(base, 'half'), `${made.shares[0] ?? ''}\n${made.shares[0] ?? ''}\n`, { mode: 0o600 });
  for (const file of ['half', 'wrong-shares'])
    secretctl(['policy', 'list', `-unseal-from=${join(base, file)}`], { cwd: join(base, 'shared') });
  const stripe = readFileSync(join(workspace, 'secrets/stripe.yaml'), 'utf8');
  writeFileSync(join(workspace, 'secrets/stolen.yaml'), stripe.replace('payments/stripe', 'payments/stolen'));
  expect(secretctl(['plan']).code).toBe(1);
  rmSync(join(workspace, 'secrets/stolen.yaml'));
  secretctl(['operator', 'status']);
  secretctl(['operator', 'rotate']);
  secretctl(['audit', 'verify']);
  secretctl(['destroy', '-auto-approve']);

  expect(canaries.size).toBeGreaterThanOrEqual(14);
  const places = [
    ...heard,
    { from: 'saved.plan', text: readFileSync(join(workspace, 'saved.plan'), 'utf8') },
    ...[workspace, join(base, 'shared')].flatMap((folder) =>
      filesBelow(join(folder, '.secretctl')).map((path) => ({ from: path, text: readFileSync(path).toString('latin1') })),
    ),
  ];
  expect(places.some(({ text }) => text.includes('"type":"response"'))).toBe(true);
  const found = [...canaries].flatMap(([what, secret]) =>
    formsOf(secret).flatMap((form) => {
      const latin = Buffer.from(form).toString('latin1');
      return places.filter(({ text }) => text.includes(form) || text.includes(latin)).map(({ from }) => `${what} in ${from}`);
    }),
  );
  expect(found).toEqual([]);

  const open = [
    ...filesBelow(join(workspace, '.secretctl')),
    ...filesBelow(join(base, 'config')),
    join(workspace, 'saved.plan'),
  ].filter((path) => (statSync(path).mode & 0o077) !== 0);
  expect(open).toEqual([]);
  expect(statSync(join(workspace, '.secretctl')).mode & 0o777).toBe(0o700);
});
