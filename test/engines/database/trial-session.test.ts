import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import type { Connection } from '../../../src/engines/database/connection-record.ts';
import { inTrial } from '../../../src/engines/database/trial-session.ts';

const connection = (plugin: string, url: string): Connection => ({
  uid: 'uid',
  version: '1',
  name: 'main',
  plugin: `${plugin}-database-plugin`,
  url,
  username: 'admin',
  password: 's3cret',
  rotatedAt: null,
  details: {},
  allowedRoles: [],
  rootRotation: [],
  passwordPolicy: '',
  usernameTemplate: '',
  maxOpen: 1,
  maxIdle: 0,
  maxLifetime: 0,
  verify: true,
});

it.each([
  ['postgresql', (at: string) => `postgresql://{{username}}:{{password}}@${at}/app`],
  ['mysql', (at: string) => `{{username}}:{{password}}@tcp(${at})/app`],
  ['mongodb', (at: string) => `mongodb://{{username}}:{{password}}@${at}/app`],
])('a server that says nothing is named with its address, and without a password: %s', async (plugin, url) => {
  const silent = createServer();
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const at = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  try {
    const trial = inTrial(connection(plugin, url(at)), (session) => session.verify(AbortSignal.timeout(200)));
    const { message } = (await trial.catch((error: unknown) => error)) as Error;
    expect(message).toContain('its connection "main": ');
    expect(message).toContain(at);
    expect(message).not.toContain('s3cret');
  } finally {
    silent.close();
  }
});
