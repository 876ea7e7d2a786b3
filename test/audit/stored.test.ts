import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import {
  enabledSinkNames,
  getEnabledSink,
  initializeAudit,
  readAnchor,
  readAuditKey,
  writeAnchor,
} from '../../src/audit/stored.ts';
import { newCoreView } from './core-view.ts';

const hash = (digit: string) => digit.repeat(64);

describe('what the store keeps of the audit log', () => {
  it('begins with a random key and the first sinks', async () => {
    const within = await newCoreView();
    await within((view) =>
      initializeAudit(view, {
        random: systemRandom,
        sinks: [
          { name: 'file', type: 'file' },
          { name: 'copy', type: 'file' },
        ],
      }),
    );
    const key = await within(readAuditKey);
    expect(key).toHaveLength(32);
    expect(new Set(key).size).toBeGreaterThan(8);
    expect(await within(enabledSinkNames)).toEqual(['copy', 'file']);
    expect(await within((view) => getEnabledSink(view, 'file'))).toEqual({ type: 'file', description: '' });
    expect(await within((view) => getEnabledSink(view, 'other'))).toBeNull();
  });

  it('is needed: a store without an audit key is broken', async () => {
    const within = await newCoreView();
    await expect(within(readAuditKey)).rejects.toMatchObject({ code: 'corrupt-record' });
  });

  it('remembers the furthest head it was told of', async () => {
    const within = await newCoreView();
    expect(await within(readAnchor)).toBeNull();
    for (const [seq, digit] of [
      [3, 'a'],
      [7, 'b'],
      [5, 'c'],
      [7, 'd'],
    ] as const) {
      await within((view) => writeAnchor(view, { seq, hash: hash(digit) }));
    }
    expect(await within(readAnchor)).toEqual({ seq: 7, hash: hash('b') });
  });

  it('refuses an anchor that is none', async () => {
    const within = await newCoreView();
    await within((view) => view.putJson('audit/head', { seq: 1, hash: 'short' }));
    await expect(within(readAnchor)).rejects.toMatchObject({ code: 'corrupt-record' });
  });
});
