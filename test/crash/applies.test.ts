import { expect, test } from 'vitest';
import { SinkFailure } from '../../src/audit/sink.ts';
import type { RequestError } from '../../src/protocol/request-error.ts';
import { apply, policyCreation, revision } from '../core/changes.ts';
import { world, type World } from '../world.ts';

/** Lets whatever can go on without the outside go on. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function commitsOf(at: World, planDigest: string): number {
  const entries = at.sink.entries();
  return entries.filter(({ type, request }) => type === 'apply-commit' && request?.facts?.plan_digest === planDigest).length;
}

const exists = async (at: World, name: string) => (await at.status('read', `sys/policies/acl/${name}`)) === 200;

test('an apply that follows another before the log tells of it does not make a crash forget the first', async () => {
  const at = await world();
  const base = await revision(at);
  const append = at.sink.append.bind(at.sink);
  let release = (): void => undefined;
  const firstIsCommitted = new Promise<void>((resolve) => (release = resolve));
  const start = (name: string, ahead: number) =>
    void apply(at, [policyCreation(name)], { base: base + ahead, planDigest: `sha256:${name}` }).catch(() => undefined);
  at.sink.append = async (lines) => {
    const text = Buffer.from(lines).toString();
    // The log is slow: the second apply asks to be begun while the first is, and can begin once that is committed; no
    // line that tells of a commit gets through.
    if (text.includes('"type":"apply-commit"')) await new Promise(() => undefined);
    if (text.includes('sha256:first')) {
      start('second', 1);
      await turns(100);
    }
    if (text.includes('sha256:second')) await firstIsCommitted;
    await append(lines);
  };
  start('first', 0);
  await turns(300);
  release();
  await turns(100);

  at.sink.append = append;
  await at.crash();
  expect(await exists(at, 'first')).toBe(true);
  expect(commitsOf(at, 'sha256:first')).toBe(1);
  expect(commitsOf(at, 'sha256:second')).toBe((await exists(at, 'second')) ? 1 : 0);
});

test('an apply whose lines the log refused is told of before the next one, and once', async () => {
  const at = await world();
  const append = at.sink.append.bind(at.sink);
  at.sink.append = (lines) =>
    Buffer.from(lines).toString().includes('"type":"apply-commit"')
      ? Promise.reject(new SinkFailure('unwritten', 'the disk is full'))
      : append(lines);
  await expect(apply(at, [policyCreation('first')], { planDigest: 'sha256:first' })).rejects.toMatchObject({ status: 500 });
  expect(await exists(at, 'first')).toBe(true);
  expect(commitsOf(at, 'sha256:first')).toBe(0);
  at.sink.append = append;
  await apply(at, [policyCreation('second')], { planDigest: 'sha256:second' });
  await at.crash();
  expect([commitsOf(at, 'sha256:first'), commitsOf(at, 'sha256:second')]).toEqual([1, 1]);
});

test('an apply whose body is none is refused and audited as any other request', async () => {
  const at = await world();
  const before = at.sink.lines.length;
  const refusal = await at
    .write('sys/apply', { project: 'acme', changes: 'none' })
    .catch((error: unknown) => error as RequestError);
  expect(refusal).toMatchObject({ status: 400 });
  expect(at.sink.entries().slice(before)).toMatchObject([
    { type: 'request', request: { path: 'sys/apply' }, error: (refusal as RequestError).message },
  ]);
});
