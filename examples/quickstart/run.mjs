// The quickstart: the whole loop with the real command line, on an encrypted store of its own in a temporary directory.
// `npm run quickstart` runs it; it leaves the workspace to play in.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const program = join(here, '../../dist/main.js');
const base = mkdtempSync(join(tmpdir(), 'secretctl-quickstart-'));
const workspace = join(base, 'acme');
const environment = { ...process.env, XDG_CONFIG_HOME: join(base, 'config') };
for (const name of ['VAULT_TOKEN', 'SECRETCTL_STORE']) delete environment[name];
const bold = process.stdout.isTTY ? (text) => `\u001b[1m${text}\u001b[0m` : (text) => text;

function say(text) {
  process.stdout.write(`\n${bold(`# ${text}`)}\n`);
}

/** Runs a command as a person would type it, shows it, and insists on its exit code and on what it must say. */
function secretctl(line, { input, code = 0, says = [], never = [], quiet = false, cwd = workspace, env = {} } = {}) {
  process.stdout.write(`$ ${input === undefined ? '' : `printf %s '…' | `}secretctl ${line}\n`);
  const result = spawnSync(process.execPath, [program, ...line.match(/'[^']*'|\S+/g).map((word) => word.replaceAll("'", ''))], {
    cwd,
    env: { ...environment, ...env },
    input: input ?? '',
    encoding: 'utf8',
  });
  const output = result.stdout + result.stderr;
  if (!quiet) process.stdout.write(output);
  const missing = says.filter((text) => !output.includes(text));
  const leaked = never.filter((text) => output.includes(text));
  if (result.status !== code || missing.length > 0 || leaked.length > 0) {
    process.stdout.write(quiet ? output : '');
    process.stdout.write(`\nThe quickstart failed: exit code ${result.status} (expected ${code}); missing: ${JSON.stringify(missing)}; not to be shown: ${leaked.length}\n`);
    process.exit(1);
  }
  return result.stdout;
}

function edit(file, from, to) {
  const path = join(workspace, file);
  const text = readFileSync(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} holds no ${from}`);
  writeFileSync(path, text.replace(from, to));
  process.stdout.write(`$ edit ${file}    # ${from} becomes ${to}\n`);
}

cpSync(here, workspace, { recursive: true, filter: (path) => !path.endsWith('.mjs') && !path.endsWith('README.md') });
const secret = 'sk_live_quickstart_4711';

say('A config repo gets an encrypted store');
secretctl(`init ${workspace}`, { cwd: base, says: ['Recipient   age1'] });

say('A secret is sealed for that store: only it can open the block, so the block may travel in a pull request');
secretctl('encrypt -write StaticSecret/kv/payments/stripe data.api_key', { input: secret, says: ['Sealed'], never: [secret] });
secretctl('validate', { says: ['Success!'] });

say('The plan says what will change, and holds no secret');
secretctl('plan -out=first.plan', { says: ['(sensitive value)', 'to add, 0 to change, 0 to destroy.'], never: [secret] });

say('Exactly that plan is applied, all of it or nothing');
secretctl('apply first.plan', { says: ['Apply complete!'], never: [secret] });
secretctl('kv get kv/payments/stripe', { says: [secret] });
secretctl('plan', { says: ['No changes.'] });

say('A change in a document is a change in the plan');
edit('policies/payments.yaml', 'capabilities: [read, list]', 'capabilities: [read]');
secretctl('plan', { says: ['0 to add, 1 to change, 0 to destroy.'] });
secretctl('apply -auto-approve', { says: ['Apply complete!'] });

say('Somebody changes things by hand: the policy, and the current version of the secret');
const byHand = join(base, 'by-hand.hcl');
writeFileSync(byHand, 'path "*" { capabilities = ["read", "update", "delete"] }\n');
secretctl(`policy write payments-read ${byHand}`);
secretctl('kv patch kv/payments/stripe api_key=-', { input: 'stolen', quiet: true });
secretctl('drift -detailed-exitcode', { code: 2, says: ['Objects have changed outside of secretctl', 'payments-read', 'payments/stripe'], never: ['stolen'] });

say('The next apply makes it right again');
secretctl('apply -auto-approve', { says: ['Objects have changed outside of secretctl', 'Apply complete!'], never: ['stolen', secret] });
secretctl('kv get -field=api_key kv/payments/stripe', { says: [secret] });
process.stdout.write('\n');
secretctl('drift -detailed-exitcode', { says: ['No changes.'] });

say('No line of the audit log can be changed unseen');
secretctl('audit verify', { says: [': ok: '] });

say('A second store that needs two of three people');
const made = JSON.parse(secretctl('init shared -seal shamir -shares 3 -threshold 2 -json', { cwd: base, quiet: true }));
const shares = join(base, 'shares');
writeFileSync(shares, `${made.shares[2]}\n${made.shares[0]}\n`, { mode: 0o600 });
secretctl('policy list', { cwd: join(base, 'shared'), code: 1, says: ['the store is sealed'] });
secretctl(`policy list -unseal-from=${shares}`, { cwd: join(base, 'shared'), says: ['default', 'root'] });

mkdirSync(join(base, 'bin'));
writeFileSync(join(base, 'bin/secretctl'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
writeFileSync(join(base, 'env'), `export PATH='${join(base, 'bin')}':"$PATH" XDG_CONFIG_HOME='${join(base, 'config')}'\n`);

process.stdout.write(`
${bold('Done.')} The workspace is yours to play in:

  . ${join(base, 'env')} && cd ${workspace}

  secretctl state list                        # what is managed
  secretctl state show Policy/payments-read   # what was applied, and from where
  secretctl plan -destroy                     # what would go, and in which order
`);
