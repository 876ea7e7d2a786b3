// A config repo of any size: what a company with many teams would have in it.
import { sealValue } from '../../dist/crypto/sealed-value.js';

const teamName = (number) => `team-${String(number).padStart(4, '0')}`;

/**
 * The documents of a repo as `{ path, text }`, besides `secretctl.yaml`: of `count` documents 2 % are mounts, 25 %
 * policies, 10 % AppRole bindings, 1 % stand for five policies each (forEach), and most of the rest are secrets, of
 * which `sealed` hold a sealed block; the others are generated.
 */
export async function documents({ count, sealed, recipient }) {
  const teams = Math.max(4, Math.floor(count * 0.02));
  const policies = Math.floor(count * 0.25);
  const bindings = Math.floor(count * 0.1);
  const families = Math.floor(count * 0.01);
  const passwordPolicies = Math.min(50, Math.max(1, Math.floor(count * 0.005)));
  const methods = 4;
  const secrets = count - teams - policies - bindings - families - passwordPolicies - methods;
  const team = (number) => teamName(number % teams);
  const made = [];
  const add = (path, kind, name, spec, extra = '') =>
    made.push({ path, text: `apiVersion: secretctl/v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n${extra}spec:\n${spec}` });

  for (let number = 0; number < teams; number++) {
    const version = number % 4 === 3 ? '1' : '2';
    add(
      `teams/${team(number)}/engine.yaml`,
      'SecretEngine',
      `${team(number)}/kv`,
      `  type: kv\n  options:\n    version: "${version}"\n  description: Secrets of ${team(number)}\n`,
    );
  }
  for (let number = 0; number < methods; number++) {
    add(`methods/${number}.yaml`, 'AuthMethod', `approle-${number}`, '  type: approle\n  description: For services\n');
  }
  for (let number = 0; number < passwordPolicies; number++) {
    const rules = `  rules:\n    - charset: abcdefghijklmnopqrstuvwxyz\n      minChars: 2\n    - charset: "0123456789"\n      minChars: 1\n`;
    add(`password-policies/${number}.yaml`, 'PasswordPolicy', `passwords-${number}`, `  length: ${20 + (number % 20)}\n${rules}`);
  }
  for (let number = 0; number < policies; number++) {
    const of = team(number);
    add(
      `teams/${of}/policies/${number}.yaml`,
      'Policy',
      `policy-${number}`,
      `  rules:\n    - secret: ${of}/kv/service-${number}/*\n      capabilities: [read, list]\n` +
        `    - secret: ${of}/kv/service-${number}/root/*\n      capabilities: [deny]\n` +
        `    - path: auth/token/lookup-self\n      capabilities: [read]\n`,
      `  labels:\n    team: ${of}\n`,
    );
  }
  for (let number = 0; number < bindings; number++) {
    add(
      `teams/${team(number)}/bindings/${number}.yaml`,
      'AuthBinding',
      `service-${number}`,
      `  method: approle-${number % methods}\n  policies: [policy-${number % policies}, policy-${(number * 7 + 1) % policies}]\n  ttl: \${var.ttl}\n`,
    );
  }
  for (let number = 0; number < families; number++) {
    const stages = ['development', 'test', 'staging', 'canary', 'production'];
    add(
      `families/${number}.yaml`,
      'Policy',
      `family-${number}-\${each.key}`,
      '  rules:\n    - path: ${each.value.path}\n      capabilities: [read]\n',
      `forEach:\n${stages.map((stage) => `  ${stage}:\n    path: ${team(number)}/kv/data/${stage}/*\n`).join('')}`,
    );
  }
  for (let number = 0; number < secrets; number++) {
    const engine = `${team(number)}/kv`;
    const name = `service-${number}/database`;
    const [field, source] = await secretField({ number, engine, name, sealed, recipient, passwordPolicies });
    add(
      `teams/${team(number)}/secrets/${number}.yaml`,
      'StaticSecret',
      name,
      `  engine: ${engine}\n  data:\n    ${field}:\n${source}`,
    );
  }
  return made;
}

async function secretField({ number, engine, name, sealed, recipient, passwordPolicies }) {
  if (number < sealed) {
    const value = `canary-${number}-${'x'.repeat(24)}`;
    const block = await sealValue([recipient], { v: 1, address: ['StaticSecret', engine, name], field: 'data.password', value });
    return ['password', `      sealed: |\n${block.trimEnd().replaceAll(/^/gm, '        ')}\n`];
  }
  if (number % 2 === 0) return ['token', '      generate:\n        length: 32\n'];
  return ['password', `      generate:\n        policy: passwords-${number % passwordPolicies}\n`];
}

/** The same documents in a few files, each with many of them. */
export function inFewFiles(all, perFile) {
  const files = [];
  for (let start = 0; start < all.length; start += perFile) {
    files.push({
      path: `documents-${start / perFile}.yaml`,
      text: all
        .slice(start, start + perFile)
        .map(({ text }) => text)
        .join('---\n'),
    });
  }
  return files;
}
