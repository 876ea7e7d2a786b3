import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startKms, type KmsStandIn } from './kms-stand-in.ts';

/** A stand-in for the tests of a file, with its credentials where the SDK looks, and nothing of the machine's own there. */
export function kmsForTests(): () => KmsStandIn {
  let kms: KmsStandIn | undefined;
  const before = { ...process.env };
  const started = (): KmsStandIn => {
    if (kms === undefined) throw new Error('it starts before the tests');
    return kms;
  };
  beforeAll(async () => {
    kms = await startKms();
  });
  beforeEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    Object.assign(process.env, started().credentials, {
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/nonexistent/config',
      AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
    });
    started().trouble = null;
    started().denied.clear();
  });
  afterAll(async () => {
    process.env = before;
    await kms?.close();
  });
  return started;
}
