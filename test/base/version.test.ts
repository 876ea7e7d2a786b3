import { describe, expect, test } from 'vitest';
import { vaultApiVersion } from '../../src/base/version.ts';

describe('the version that the server tells', () => {
  test('is a semantic version of three numbers, with what is ours as build metadata', () => {
    expect(vaultApiVersion()).toMatch(/^\d+\.\d+\.\d+\+[0-9A-Za-z-]+$/);
  });

  test('has three parts for clients that cut it at dots', () => {
    expect(vaultApiVersion().split('.')).toHaveLength(3);
  });
});
