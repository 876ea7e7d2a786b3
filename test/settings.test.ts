import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readSettings } from '../src/settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'secretctl-settings-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function settings(seal: string, more = ''): ReturnType<typeof readSettings> {
  const audit = 'audit:\n  file: { type: file, path: audit/audit.log }\n';
  writeFileSync(join(directory, 'settings.yaml'), `storage: { type: lmdb, path: store }\nseal: ${seal}\n${audit}${more}`);
  return readSettings(directory);
}

describe('settings', () => {
  test('place a key file beside themselves, wherever the process was started', async () => {
    expect((await settings('{ type: static, keyFile: seal.key }')).seal.options).toEqual({
      keyFile: join(directory, 'seal.key'),
    });
    expect((await settings('{ type: static, keyFile: /etc/seal.key }')).seal.options).toEqual({ keyFile: '/etc/seal.key' });
    const former = '{ type: shamir, migrateFrom: { type: static, keyFile: old.key } }';
    expect((await settings(former)).seal.migrateFrom?.options).toEqual({ keyFile: join(directory, 'old.key') });
  });

  test('say what is wrong, with the place and the line', async () => {
    await expect(settings('{ type: awskms, region: eu-central-1 }')).rejects.toThrow(
      /settings\.yaml:2:\d+: .*keyId[^]*type: awskms/,
    );
    await expect(settings('{ type: shamir }', 'server:\n  listener: []\n')).rejects.toThrow(
      /settings\.yaml:6:3: .*listener[^]*listeners/,
    );
  });

  test('serve other machines with TLS, unless they say that something in front of them speaks it', async () => {
    const listener = (more: string) => `server:\n  listeners: [{ address: "0.0.0.0:8200"${more} }]\n`;
    await expect(settings('{ type: shamir }', listener(''))).rejects.toThrow('without TLS');
    expect((await settings('{ type: shamir }', listener(', plaintext: true'))).server.listeners).toMatchObject([
      { port: 8200, tls: null },
    ]);
  });
});
