import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { isProvablyGone, processName } from '../../src/cli/lock-holder.ts';
import { serve, type Served } from './serving.ts';
import { declaredWorkspace, type Workspace } from './workspace.ts';

const yes = 'yes';

/** The same stories for a store that a command opens itself, and for one that a server owns. */
describe.each(['embedded', 'served'] as const)('the apply lock of a store that is %s', (where) => {
  let at: Workspace;
  let served: Served | null;
  beforeAll(async () => {
    at = await declaredWorkspace();
    served = where === 'served' ? await serve(at) : null;
  });

  it('leaves the store to others while a person looks at the plan, and keeps their applies away', async () => {
    const meanwhile: string[] = [];
    const { code, out } = await at.run('apply', {
      answers: [
        async () => {
          meanwhile.push(await at.ok('policy list'), (await at.run('apply -auto-approve')).err, await at.ok('status'));
          return yes;
        },
      ],
      env: { USER: 'ann' },
    });
    expect([code, out]).toEqual([0, expect.stringContaining('Apply complete! Resources: 5 added')]);
    const [policies, other, status] = meanwhile;
    expect(policies).toContain('root\n');
    expect(other).toMatch(/^Error: the apply lock is held by ann@\S+ \(token "root"\) for secretctl apply since /);
    expect(status).toContain('secretctl apply');
    expect(await at.ok('status -json')).toContain('"apply_lock": null');
  });

  it('is given back by who declines, who interrupts and whose plan has nothing to do', async () => {
    for (const [line, answers, code] of [
      ['destroy', ['no'], 1],
      ['destroy', ['Ctrl-C'], 130],
      ['apply', [yes], 0],
      ['state forget Policy/payments-read', ['no'], 1],
    ] as const) {
      expect([line, (await at.run(line, { answers })).code]).toEqual([line, code]);
      expect(await at.ok('status -json')).toContain('"apply_lock": null');
    }
  });

  it('is broken by its id, and the apply of its holder is refused', async () => {
    const { code, err } = await at.run('destroy', {
      answers: [
        async () => {
          const { apply_lock: lock } = await at.json<{ apply_lock: { id: string } }>('status -json');
          expect((await at.run('force-unlock another')).err).toContain('has another id');
          expect((await at.run(`force-unlock ${lock.id}`, { answers: ['no'] })).code).toBe(1);
          expect(await at.ok(`force-unlock ${lock.id}`, { answers: [yes] })).toBe('Success! The apply lock is free.\n');
          return yes;
        },
      ],
    });
    expect([code, err]).toEqual([1, expect.stringContaining('the apply lock is not held any more: somebody broke it')]);
    expect(await at.ok('kv get -field=api_key kv/payments/stripe')).toBe('sk_live_canary');
    expect((await at.run('force-unlock x')).err).toContain('nobody holds the apply lock');
  });

  it('is not what makes a plan safe: what changes meanwhile refuses the apply', async () => {
    const { code, err } = await at.run('destroy', {
      answers: [
        async () => {
          await at.ok(['policy', 'write', 'by-hand', '-'], { input: 'path "x" { capabilities = ["read"] }' });
          return yes;
        },
      ],
    });
    expect([code, err]).toEqual([1, expect.stringContaining('the plan is stale')]);
    expect(await at.ok('status -json')).toContain('"apply_lock": null');
    expect(served?.log() ?? '').not.toContain('internal error');
  });
});

describe('the apply lock of a command that was killed', () => {
  const alive = processName(process.pid) ?? '';
  const [boot, namespace, pid, start] = alive.split(' ') as [string, string, string, string];
  const dead = `${boot} ${namespace} ${spawnSync(process.execPath, ['-e', '']).pid} ${start}`;
  const reused = `${boot} ${namespace} ${pid} ${Number(start) + 1}`;

  it('is known by the process, which is gone only where that is certain', () => {
    expect([dead, reused].map(isProvablyGone)).toEqual([true, true]);
    const unsure = [alive, '', 'x', `other ${namespace} 1 1`, `${boot} pid:[1] 4194304 1`, `${boot} ${namespace} -1 1`];
    expect(unsure.map(isProvablyGone)).toEqual(unsure.map(() => false));
  });

  it('is taken over by the next command on the store, which says so', async () => {
    const at = await declaredWorkspace();
    for (const holder of [dead, reused]) {
      await at.ok(['write', 'sys/managed/lock', 'who=ann@here', 'command=secretctl apply', 'ttl=15m', `process=${holder}`]);
      const { code, err } = await at.run('apply -auto-approve');
      expect([code, err]).toEqual([
        0,
        `The apply lock of ann@here (secretctl apply) is taken over: process ${holder.split(' ')[2]} is gone.\n`,
      ]);
    }
    for (const holder of [alive, '']) {
      await at.ok(['write', 'sys/managed/lock', 'who=ann@here', 'ttl=15m', `process=${holder}`]);
      const { code, err } = await at.run('apply -auto-approve');
      expect([code, err]).toEqual([1, expect.stringContaining('the apply lock is held by ann@here')]);
      const { apply_lock: lock } = await at.json<{ apply_lock: { id: string } }>('status -json');
      await at.ok(`force-unlock -auto-approve ${lock.id}`);
    }
  });

  it('says which process holds it while a person looks at the plan', async () => {
    const at = await declaredWorkspace();
    let seen = '';
    await at.run('apply', {
      answers: [
        async () => {
          seen = (await at.json<{ apply_lock: { process: string } }>('status -json')).apply_lock.process;
          return 'no';
        },
      ],
    });
    expect([seen.split(' ')[0], isProvablyGone(seen)]).toEqual([boot, false]);
  });
});
