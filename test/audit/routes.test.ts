import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { RouteContext } from '../../src/core/mount-type.ts';
import { matchRoute } from '../../src/core/route.ts';
import type { Operation } from '../../src/protocol/request.ts';
import type { Reply } from '../../src/protocol/reply.ts';
import { auditDeviceKind } from '../../src/audit/audit-device-kind.ts';
import { fileSink } from '../../src/audit/file-sink.ts';
import { ValueHash } from '../../src/audit/value-hash.ts';
import { readAuditedHeaders } from '../../src/audit/request-headers.ts';
import { auditRoutes } from '../../src/audit/routes.ts';
import { enabledSinkNames, initializeAudit, readAuditKey } from '../../src/audit/stored.ts';
import { newCoreView, type WithinCore } from './core-view.ts';
import { kvMount, requestTo } from './entries.ts';

const folder = mkdtempSync(join(tmpdir(), 'secretctl-audit-'));
writeFileSync(join(folder, 'target'), '');
symlinkSync(join(folder, 'target'), join(folder, 'linked'));
const sinks = [
  fileSink('file', join(folder, 'audit.log')),
  fileSink('copy', join(folder, 'copy.log')),
  fileSink('linked', join(folder, 'linked')),
];
const routes = auditRoutes({ sinks });
let within: WithinCore;

beforeEach(async () => {
  within = await newCoreView();
  await within((view) => initializeAudit(view, { random: systemRandom, sinks: [{ name: 'file', type: 'file' }] }));
});

async function send(operation: Operation, path: string, data: JsonObject = {}): Promise<Reply> {
  const match = matchRoute(routes, path, operation === 'list');
  const spec = match?.route.operations[operation];
  if (match === null || spec === undefined) throw new Error(`no route for ${operation} ${path}`);
  return within((storage) => spec.handle(contextOf(storage, match.params, requestTo(`sys/${path}`, { operation, data }))));
}

function contextOf(
  storage: RouteContext['storage'],
  params: RouteContext['params'],
  request: RouteContext['request'],
): RouteContext {
  const services = { clock: systemClock } as RouteContext['services'];
  return { request, params, data: request.data, storage, mount: kvMount, caller: null, now: 0, random: systemRandom, services };
}

const refusal = (text: RegExp) =>
  expect.objectContaining({ status: 400, message: expect.stringMatching(text) as string }) as Error;

describe('the routes of the audit log', () => {
  it('list the enabled sinks in the shape of Vault', async () => {
    expect(await send('read', 'audit')).toEqual({
      data: {
        'file/': {
          type: 'file',
          description: '',
          options: { file_path: join(folder, 'audit.log') },
          local: false,
          path: 'file/',
        },
      },
    });
  });

  it('enable a declared sink, also with options that say what the settings say', async () => {
    const options = { file_path: join(folder, 'copy.log'), mode: '0600', log_raw: false, hmac_accessor: 'true', format: 'json' };
    expect(await send('write', 'audit/copy', { type: 'file', description: 'second', options })).toEqual({ status: 204 });
    expect(await within(enabledSinkNames)).toEqual(['copy', 'file']);
    expect(await send('read', 'audit')).toMatchObject({ data: { 'copy/': { description: 'second' } } });
  });

  it('change the description of an enabled sink', async () => {
    await send('write', 'audit/file', { type: 'file', description: 'first' });
    expect(await send('read', 'audit')).toMatchObject({ data: { 'file/': { description: 'first' } } });
  });

  const refused: readonly [string, string, JsonObject, RegExp][] = [
    [
      'a sink that the settings do not declare',
      'audit/other',
      { type: 'file', options: { file_path: '/etc/cron.d/x' } },
      /declare no audit sink "other"/,
    ],
    ['another type than the declared', 'audit/copy', { type: 'syslog' }, /with type "file"/],
    [
      'another path',
      'audit/copy',
      { type: 'file', options: { file_path: '/tmp/elsewhere' } },
      /option "file_path" is decided by the settings/,
    ],
    ['another mode', 'audit/copy', { type: 'file', options: { mode: '0755' } }, /option "mode"/],
    ['a prefix', 'audit/copy', { type: 'file', options: { prefix: '#!/bin/sh\n' } }, /option "prefix"/],
    ['raw logging', 'audit/copy', { type: 'file', options: { log_raw: 'true' } }, /option "log_raw"/],
    ['an unknown option', 'audit/copy', { type: 'file', options: { toString: 'x' } }, /option "toString"/],
    ['a local device', 'audit/copy', { type: 'file', local: true }, /local/],
    ['no type', 'audit/copy', {}, /missing type/],
    ['a place that is a symbolic link', 'audit/linked', { type: 'file' }, /symbolic link/],
  ];
  for (const [what, path, data, message] of refused) {
    it(`refuse ${what}, and enable nothing`, async () => {
      await expect(send('write', path, data)).rejects.toEqual(refusal(message));
      expect(await within(enabledSinkNames)).toEqual(['file']);
    });
  }

  it('disable a sink but not the last one', async () => {
    await expect(send('delete', 'audit/file')).rejects.toEqual(refusal(/only enabled audit sink/));
    await send('write', 'audit/copy', { type: 'file' });
    expect(await send('delete', 'audit/file')).toEqual({ status: 204 });
    expect(await send('delete', 'audit/file')).toEqual({ status: 204 });
    expect(await within(enabledSinkNames)).toEqual(['copy']);
    await expect(send('delete', 'audit/copy')).rejects.toEqual(refusal(/only enabled audit sink/));
  });

  it('do not let two requests at once disable the last two', async () => {
    await send('write', 'audit/copy', { type: 'file' });
    const outcomes = await Promise.allSettled([send('delete', 'audit/file'), send('delete', 'audit/copy')]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await within(enabledSinkNames)).toHaveLength(1);
  });

  it('hash a value as the log does', async () => {
    const hashes = new ValueHash(await within(readAuditKey));
    for (const input of ['hvs.token', 5432, true]) {
      expect(await send('write', 'audit-hash/file', { input })).toEqual({ data: { hash: hashes.of(input) } });
    }
    await expect(send('write', 'audit-hash/copy', { input: 'x' })).rejects.toEqual(refusal(/^unknown audit backend "copy\/"$/));
    await expect(send('write', 'audit-hash/file', { input: '' })).rejects.toEqual(refusal(/^the "input" parameter is empty$/));
    await expect(send('write', 'audit-hash/file', {})).rejects.toEqual(refusal(/^the "input" parameter is empty$/));
    await expect(send('write', 'audit-hash/file', { input: ['x'] })).rejects.toEqual(refusal(/must be a string/));
  });

  it('need sudo where Vault needs it, and say which of them change the configuration', () => {
    const flags = routes.flatMap(({ path, operations }) =>
      Object.entries(operations).map(([operation, { sudo, configures }]) => [
        `${operation} ${path}`,
        sudo === true,
        configures === true,
      ]),
    );
    expect(flags).toEqual([
      ['read audit', true, false],
      ['write audit/:name', true, true],
      ['delete audit/:name', true, true],
      ['write audit-hash/:name', false, false],
      ['read config/auditing/request-headers', true, false],
      ['read config/auditing/request-headers/:header', true, false],
      ['write config/auditing/request-headers/:header', true, true],
      ['delete config/auditing/request-headers/:header', true, true],
    ]);
  });

  it('tell whether a write creates or updates', async () => {
    const exists = (name: string) =>
      within(async (storage) =>
        matchRoute(routes, `audit/${name}`, false)?.route.exists?.(contextOf(storage, { name }, requestTo('sys'))),
      );
    expect(await exists('file')).toBe(true);
    expect(await exists('copy')).toBe(false);
  });
});

describe('the routes of audited headers', () => {
  const folder = 'config/auditing/request-headers';

  it('list, read, write and delete as Vault does, in any case', async () => {
    expect(await send('read', folder)).toEqual({ data: { headers: {} } });
    expect(await send('write', `${folder}/X-Forwarded-For`, {})).toEqual({ status: 204 });
    expect(await send('write', `${folder}/user-agent`, { hmac: 'true' })).toEqual({ status: 204 });
    expect(await send('read', folder)).toEqual({
      data: { headers: { 'x-forwarded-for': { hmac: false }, 'user-agent': { hmac: true } } },
    });
    expect(await send('read', `${folder}/X-Forwarded-For`)).toEqual({ data: { 'X-Forwarded-For': { hmac: false } } });
    await send('write', `${folder}/x-forwarded-for`, { hmac: true });
    expect(await within(readAuditedHeaders)).toEqual({ 'x-forwarded-for': { hmac: true }, 'user-agent': { hmac: true } });
    expect(await send('delete', `${folder}/X-FORWARDED-FOR`)).toEqual({ status: 204 });
    expect(await send('delete', `${folder}/absent`)).toEqual({ status: 204 });
    await expect(send('read', `${folder}/x-forwarded-for`)).rejects.toEqual(refusal(/^Could not find header in config$/));
    await expect(send('read', `${folder}/constructor`)).rejects.toEqual(refusal(/^Could not find header in config$/));
  });

  it('show what opens something as its keyed hash only', async () => {
    for (const name of ['X-Vault-Token', 'authorization', 'Cookie', 'Proxy-Authorization']) {
      await expect(send('write', `${folder}/${name}`, { hmac: false })).rejects.toEqual(refusal(/carries a credential/));
      expect(await send('write', `${folder}/${name}`, { hmac: true })).toEqual({ status: 204 });
    }
  });

  it('keep within bounds', async () => {
    for (let number = 0; number < 64; number++) await send('write', `${folder}/x-${number}`);
    await expect(send('write', `${folder}/x-64`)).rejects.toEqual(refusal(/more than 64 headers/));
    expect(await send('write', `${folder}/x-63`, { hmac: true })).toEqual({ status: 204 });
  });
});

describe('the kind AuditDevice', () => {
  const resource = { kind: 'AuditDevice', mount: null, name: 'copy' };
  const context = { engines: new Map(), methods: new Map() };

  it('reads what it wrote: a fixed point on normalised specs', async () => {
    for (const spec of [{ type: 'file' }, { type: 'file', description: 'second copy' }] as JsonObject[]) {
      const after = auditDeviceKind.normalize(spec, resource, context);
      expect(auditDeviceKind.normalize(after, resource, context)).toEqual(after);
      for (const { operation, path, data } of auditDeviceKind.write(
        { before: null, after, lastApplied: null, changed: [] },
        resource,
        context,
      )) {
        await send(operation, path.replace(/^sys\//, ''), data);
      }
      expect(await live()).toEqual({ spec: after, mark: null });
    }
    for (const { operation, path, data } of auditDeviceKind.remove(resource, context, null)) {
      await send(operation, path.replace(/^sys\//, ''), data);
    }
    expect(await live()).toBeNull();
  });

  async function live() {
    const replies: (JsonObject | null)[] = [];
    for (const { operation, path } of auditDeviceKind.reads(resource, context)) {
      replies.push((await send(operation, path.replace(/^sys\//, ''))).data ?? null);
    }
    return auditDeviceKind.read(replies, resource, context);
  }

  it('is absent where nothing could be read', () => {
    expect(auditDeviceKind.read([null], resource, context)).toBeNull();
  });

  it('describes every property of its schema', () => {
    for (const property of Object.values(auditDeviceKind.spec.properties ?? {})) expect(property.description).toMatch(/\w/);
    expect(auditDeviceKind.spec.additionalProperties).toBe(false);
  });
});
