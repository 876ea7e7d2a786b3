import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { ServedStore, type Server } from './server-process.ts';

const certificates = join(import.meta.dirname, '../client/certificates');

function subject(server: Server): Promise<string> {
  const { hostname, port } = new URL(server.address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerX509Certificate()?.fingerprint256));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('SIGHUP opens a moved audit file anew: the chain goes on in the new one', async () => {
  const store = new ServedStore();
  store.settings('{ type: static }');
  const server = await store.serve();
  await server.call('GET', 'sys/mounts');
  const log = join(store.directory, 'audit/audit.log');
  renameSync(log, `${log}.1`);
  const from = server.log.length;
  server.process.kill('SIGHUP');
  await server.logged(/were read again/, from);
  await server.call('GET', 'sys/policies/acl/default');
  expect(readFileSync(`${log}.1`, 'utf8')).not.toContain('sys/policies/acl/default');
  expect(readFileSync(log, 'utf8')).toContain('sys/policies/acl/default');
  expect(await server.stop()).toBe(0);
  const again = await store.serve();
  expect((await again.call('GET', 'sys/mounts')).status).toBe(200);
  await again.stop();
});

test('SIGHUP while the store is sealed asks nothing of the audit log that is closed', async () => {
  const store = new ServedStore();
  store.settings('{ type: static }');
  const server = await store.serve();
  expect((await server.call('PUT', 'sys/seal')).status).toBe(204);
  server.process.kill('SIGHUP');
  await server.logged(/were read again/);
  expect(server.log).not.toContain('not everything was read again');
  await server.stop();
});

test('A command on this machine reaches the store through the socket beside it, and nobody else may', async () => {
  const store = new ServedStore();
  store.settings('{ type: static }');
  const server = await store.serve();
  const socketPath = join(store.directory, 'server.sock');
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request({ socketPath, path: '/v1/sys/mounts', headers: { 'X-Vault-Token': store.token } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject);
    asked.end();
  });
  expect(status).toBe(200);
  await server.stop();
});

test('SIGHUP reads a certificate anew for the connections that come from then on, and keeps the old one where the new is none', async () => {
  const store = new ServedStore();
  const tls = '  listeners: [{ address: "127.0.0.1:0", tls: { certFile: tls.crt, keyFile: tls.key } }]\n';
  store.settings('{ type: static }');
  const settings = join(store.directory, 'settings.yaml');
  const text = readFileSync(settings, 'utf8').replace(/ {2}listeners: .*\n/, tls);
  writeFileSync(settings, text);
  const use = (name: string): void => {
    copyFileSync(join(certificates, `${name}.pem`), join(store.directory, 'tls.crt'));
    copyFileSync(join(certificates, `${name}-key.pem`), join(store.directory, 'tls.key'));
  };
  use('server');
  const server = await store.start();
  const first = await subject(server);
  use('other');
  server.process.kill('SIGHUP');
  await server.logged(/were read again/);
  const second = await subject(server);
  expect(second).not.toBe(first);
  const from = server.log.length;
  writeFileSync(join(store.directory, 'tls.crt'), 'no certificate');
  server.process.kill('SIGHUP');
  await server.logged(/were read again/, from);
  expect(server.log.slice(from)).toContain('not everything was read again');
  expect(await subject(server)).toBe(second);
  await server.stop();
});
