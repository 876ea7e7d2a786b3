// A server for a workspace, used as clients of the Vault API use one: `node examples/server/run.mjs` shows every command with
// what it printed, and leaves nothing behind.
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const program = join(here, '../../dist/main.js');
const base = mkdtempSync(join(tmpdir(), 'secretctl-server-'));
const workspace = join(base, 'acme');
const environment = { PATH: process.env.PATH, HOME: base, XDG_CONFIG_HOME: join(base, 'config'), NO_COLOR: '1' };
process.on('exit', () => rmSync(base, { recursive: true, force: true }));

function say(text) {
  process.stdout.write(`\n# ${text}\n`);
}

function fail(what, output) {
  process.stdout.write(`${output}\nThe example failed: ${what}\n`);
  process.exitCode = 1;
  throw new Error(what);
}

/** Runs a command as a person would type it, shows it, and insists on its exit code and on what it must say. */
function secretctl(line, { input = '', code = 0, says = [], quiet = false, env = {} } = {}) {
  process.stdout.write(`$ secretctl ${line}\n`);
  const result = spawnSync(process.execPath, [program, ...line.split(' ')], {
    cwd: workspace,
    env: { ...environment, ...env },
    input,
    encoding: 'utf8',
  });
  const output = result.stdout + result.stderr;
  if (!quiet) process.stdout.write(output);
  const missing = says.filter((text) => !output.includes(text));
  if (result.status !== code || missing.length > 0) fail(`exit code ${result.status}, missing ${JSON.stringify(missing)}`, output);
  return result.stdout;
}

/** Starts the server of the workspace; resolves with its address once it serves. */
function serve() {
  const child = spawn(process.execPath, [program, 'server'], { cwd: workspace, env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr.on('data', (chunk) => {
      log += chunk;
      const address = /"address":"(http:[^"]+)"/.exec(log)?.[1];
      if (address !== undefined && log.includes('the store is unsealed')) resolve({ child, address });
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${log}`)));
  });
}

cpSync(join(here, '../quickstart'), workspace, { recursive: true, filter: (path) => !path.endsWith('.mjs') });
secretctl('init .', { quiet: true });
secretctl('encrypt -write StaticSecret/kv/payments/stripe data.api_key', { input: 'sk_live_4711', quiet: true });
appendFileSync(join(workspace, '.secretctl/settings.yaml'), 'server:\n  listeners: [{ address: "127.0.0.1:0" }]\n');

say('The server owns the store from here on; commands in the workspace reach it through the socket beside the store');
process.stdout.write('$ secretctl server &\n');
const { child, address } = await serve();
const token = readFileSync(join(base, 'config/secretctl', (await import('node:fs')).readdirSync(join(base, 'config/secretctl')).find((name) => name.endsWith('.token'))), 'utf8').trim();

try {
  secretctl('apply -auto-approve', { says: ['Apply complete!'], quiet: true });
  secretctl('status', { says: ['Sealed', 'false', 'token-expiry'] });

  say('From elsewhere it is a server of the Vault API: VAULT_ADDR and VAULT_TOKEN, for this command line and any other client');
  const remote = { VAULT_ADDR: address, VAULT_TOKEN: token };
  secretctl('plan', { env: remote, says: ['No changes.'] });
  secretctl('kv get -field=api_key kv/payments/stripe', { env: remote, says: ['sk_live_4711'] });

  say('A reply can be wrapped: whoever gets the token opens it, once');
  const wrapped = JSON.parse(secretctl('kv get -wrap-ttl=5m -json kv/payments/stripe', { env: remote, quiet: true }));
  const wrapping = wrapped.token ?? wrapped.wrap_info?.token;
  process.stdout.write('$ secretctl unwrap -field=data -\n');
  const unwrap = () => spawnSync(process.execPath, [program, 'unwrap', '-json', '-'], { cwd: workspace, env: { ...environment, ...remote }, input: wrapping, encoding: 'utf8' });
  if (!unwrap().stdout.includes('sk_live_4711')) fail('the wrapped reply was not opened', '');
  const second = unwrap();
  if (!(second.stdout + second.stderr).includes('wrapping token is not valid or does not exist')) fail('it was opened twice', second.stderr);

  say('curl is a client as well');
  const response = await fetch(`${address}/v1/kv/data/payments/stripe`, { headers: { 'X-Vault-Token': token } });
  process.stdout.write(`$ curl -H "X-Vault-Token: $VAULT_TOKEN" $VAULT_ADDR/v1/kv/data/payments/stripe\n`);
  const { data } = await response.json();
  process.stdout.write(`${response.status} ${Object.keys(data.data).sort().join(', ')}\n`);

  say('A snapshot is taken while the server works');
  secretctl(`operator snapshot save ${join(base, 'today.snap')}`, { env: remote, quiet: true });

  say('Sealed, it answers nothing');
  secretctl('operator seal', { env: remote, quiet: true });
  secretctl('kv get kv/payments/stripe', { env: remote, code: 1, says: ['Vault is sealed'] });
} finally {
  child.removeAllListeners('exit');
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('close', resolve));
}
say('Its audit log holds every request');
secretctl('audit verify', { says: [': ok: '] });
