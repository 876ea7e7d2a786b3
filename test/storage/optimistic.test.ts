import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromUtf8, utf8 } from '../../src/base/bytes.ts';
import type { Backend, ListedKey } from '../../src/storage/backend.ts';
import { createMemoryBackend, MemoryMedium } from '../../src/storage/memory.ts';
import { createStore } from '../../src/storage/optimistic.ts';
import { pendingVersion, type Transaction, type TransactionalStore } from '../../src/storage/transaction.ts';
import { properties, storedKey } from './generators.ts';

async function freshStore(): Promise<{ store: TransactionalStore; backend: Backend; medium: MemoryMedium }> {
  const medium = new MemoryMedium();
  const backend = createMemoryBackend(medium);
  return { store: createStore(backend, await backend.advanceEpoch()), backend, medium };
}

const number = async (tx: Transaction, key: string) => Number(fromUtf8((await tx.get(key))?.value ?? utf8('0')));
const keysOf = (listed: readonly ListedKey[]) => listed.map((entry) => entry.key);
/** Lets every other transaction that can move move. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a transaction', () => {
  test('sees its own writes, which nobody else sees before the commit', async () => {
    const { store, backend } = await freshStore();
    await store.transact(async (tx) => tx.put('kept', utf8('old')));
    await store.transact(async (tx) => {
      tx.put('a', utf8('1'));
      tx.delete('kept');
      expect(await tx.get('a')).toEqual({ value: utf8('1'), version: pendingVersion });
      expect(await tx.get('kept')).toBeNull();
      expect(keysOf(await tx.list(''))).toEqual(['a']);
      expect(await backend.get('a')).toBeNull();
      expect(await backend.get('kept')).not.toBeNull();
    });
    expect(keysOf(await backend.list(''))).toEqual(['a']);
  });

  test('writes nothing when its function throws, and passes the error on', async () => {
    const { store, backend } = await freshStore();
    const failure = new Error('no');
    const attempt = store.transact(async (tx) => {
      tx.put('a', utf8('1'));
      throw failure;
    });
    await expect(attempt).rejects.toBe(failure);
    expect(await backend.list('')).toEqual([]);
  });

  test('runs again when it threw over something stale', async () => {
    const { store } = await freshStore();
    let runs = 0;
    const result = await store.transact(async (tx) => {
      runs++;
      const seen = await tx.get('a');
      if (runs === 1) await store.transact(async (other) => other.put('a', utf8('now')));
      if (seen === null) throw new Error('there is no a');
      return fromUtf8(seen.value);
    });
    expect(result).toBe('now');
    expect(runs).toBe(2);
  });

  test('does not run again when it threw and all it read still stands', async () => {
    const { store } = await freshStore();
    let runs = 0;
    const attempt = store.transact(async (tx) => {
      runs++;
      await tx.get('a');
      await store.transact(async (other) => other.put('b', utf8('1')));
      throw new Error('there is no a');
    });
    await expect(attempt).rejects.toThrow('there is no a');
    expect(runs).toBe(1);
  });

  test('runs its commit actions once, after the commit that counts, and never when it threw', async () => {
    const { store, backend } = await freshStore();
    const seen: number[] = [];
    let runs = 0;
    await store.transact(async (tx) => {
      runs++;
      await tx.get('a');
      tx.put('b', utf8(String(runs)));
      tx.onCommit((sequence) => seen.push(sequence));
      if (runs === 1) await store.transact(async (other) => other.put('a', utf8('x')));
    });
    expect(runs).toBe(2);
    expect(seen).toEqual([(await backend.get('b'))?.version]);
    const refused = store.transact(async (tx) => {
      tx.onCommit((sequence) => seen.push(sequence));
      throw new Error('no');
    });
    await expect(refused).rejects.toThrow('no');
    expect(seen).toHaveLength(1);
  });

  test('takes no write once it is over', async () => {
    const { store, backend } = await freshStore();
    let leaked: Transaction | undefined;
    await store.transact(async (tx) => {
      leaked = tx;
    });
    expect(() => leaked?.put('late', utf8('1'))).toThrow('over');
    expect(await backend.get('late')).toBeNull();
  });

  test('refuses a key that no backend could store, where it is written', async () => {
    const { store } = await freshStore();
    const attempt = store.transact(async (tx) => tx.put('k'.repeat(1025), utf8('1')));
    await expect(attempt).rejects.toMatchObject({ code: 'key-too-long' });
  });

  test('of an older owner is fenced', async () => {
    const { store, medium } = await freshStore();
    const successor = createMemoryBackend(medium);
    const next = createStore(successor, await successor.advanceEpoch());
    await expect(store.transact(async (tx) => tx.put('a', utf8('1')))).rejects.toMatchObject({ code: 'store-fenced' });
    await next.transact(async (tx) => tx.put('a', utf8('2')));
    expect(fromUtf8(medium.clone().entries.get('a')?.value ?? utf8(''))).toBe('2');
  });
});

describe('a read-only transaction', () => {
  test('reads, and refuses to write', async () => {
    const { store } = await freshStore();
    await store.transact(async (tx) => tx.put('a', utf8('1')));
    expect(await store.read(async (tx) => keysOf(await tx.list('')))).toEqual(['a']);
    await expect(store.read(async (tx) => tx.put('b', utf8('1')))).rejects.toThrow(TypeError);
    await expect(store.read(async (tx) => tx.delete('a'))).rejects.toThrow(TypeError);
    expect(await store.read(async (tx) => keysOf(await tx.list('')))).toEqual(['a']);
  });

  test('passes on no error that only stands between two commits', async () => {
    const { store } = await freshStore();
    const version = async (tx: Transaction): Promise<string> => fromUtf8((await tx.get('newest'))?.value ?? utf8(''));
    const publish = (name: string, old: string) =>
      store.transact(async (tx) => {
        tx.put('newest', utf8(name));
        tx.put(`value/${name}`, utf8(`what ${name} holds`));
        tx.delete(`value/${old}`);
      });
    await publish('1', '0');
    for (const disturbances of [1, 2, 5]) {
      let runs = 0;
      const found = await store.read(async (tx) => {
        const name = await version(tx);
        if (runs++ < disturbances) await publish(String(Number(name) + 1), name);
        const value = await tx.get(`value/${name}`);
        if (value === null) throw new Error('it is lost');
        return fromUtf8(value.value);
      });
      expect(found).toBe(`what ${await store.read(version)} holds`);
    }
    await expect(store.read(() => Promise.reject(new Error('as it is')))).rejects.toThrow('as it is');
  });
});

describe('concurrent transactions', () => {
  test('lose no update of a counter', async () => {
    const { store } = await freshStore();
    const increment = () =>
      store.transact(async (tx) => {
        const value = await number(tx, 'counter');
        await turn();
        tx.put('counter', utf8(String(value + 1)));
      });
    await Promise.all(Array.from({ length: 64 }, increment));
    expect(await store.read((tx) => number(tx, 'counter'))).toBe(64);
  });

  test('notice a key that appeared in a range they had listed', async () => {
    const { store } = await freshStore();
    // Each adds a member only while there are fewer than three.
    const join = (name: string) =>
      store.transact(async (tx) => {
        const members = await tx.list('member/');
        await turn();
        if (members.length < 3) tx.put(`member/${name}`, utf8('1'));
      });
    await Promise.all(Array.from({ length: 20 }, (_, index) => join(`m${index}`)));
    expect(await store.read(async (tx) => (await tx.list('member/')).length)).toBe(3);
  });

  test('cannot both act on what the other changes (write skew)', async () => {
    const { store } = await freshStore();
    await store.transact(async (tx) => {
      tx.put('on-call/a', utf8('yes'));
      tx.put('on-call/b', utf8('yes'));
    });
    const leave = (name: string) =>
      store.transact(async (tx) => {
        const others = await tx.list('on-call/');
        await turn();
        if (others.length > 1) tx.delete(`on-call/${name}`);
      });
    await Promise.all([leave('a'), leave('b')]);
    expect(await store.read(async (tx) => (await tx.list('on-call/')).length)).toBe(1);
  });

  test('end, also the long one that others keep overtaking', async () => {
    const { store } = await freshStore();
    let runs = 0;
    let done = false;
    const slow = store.transact(async (tx) => {
      runs++;
      const value = await number(tx, 'counter');
      for (let wait = 0; wait < 20; wait++) await turn();
      tx.put('counter', utf8(String(value + 1)));
    });
    let quick = 0;
    const overtakers = Array.from({ length: 4 }, async () => {
      while (!done) {
        await store.transact(async (tx) => tx.put('counter', utf8(String((await number(tx, 'counter')) + 1))));
        quick++;
        await turn();
      }
    });
    await slow;
    done = true;
    await Promise.all(overtakers);
    expect(runs).toBe(4);
    expect(await store.read((tx) => number(tx, 'counter'))).toBe(quick + 1);
  });

  test('have an order in which they could have run one by one', async () => {
    // Each transfers between accounts what it finds there and writes down the sum it saw.
    const transfer = fc.record({ from: fc.nat(3), to: fc.nat(3), part: fc.integer({ min: 1, max: 9 }), pauses: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.array(transfer, { minLength: 2, maxLength: 12 }), async (transfers) => {
        const { store } = await freshStore();
        await store.transact(async (tx) => {
          for (let account = 0; account < 4; account++) tx.put(`account/${account}`, utf8('100'));
        });
        const sums = await Promise.all(
          transfers.map(({ from, to, part, pauses }, index) =>
            store.transact(async (tx) => {
              let sum = 0;
              for (const entry of await tx.list('account/', { values: true }))
                sum += Number(fromUtf8(entry.value ?? utf8('NaN')));
              for (let pause = 0; pause < pauses; pause++) await turn();
              const amount = Math.floor((await number(tx, `account/${from}`)) / part);
              tx.put(`account/${from}`, utf8(String((await number(tx, `account/${from}`)) - amount)));
              tx.put(`account/${to}`, utf8(String((await number(tx, `account/${to}`)) + amount)));
              tx.put(`done/${index}`, utf8(''));
              return sum;
            }),
          ),
        );
        expect(sums).toEqual(transfers.map(() => 400));
        expect(await store.read(async (tx) => (await tx.list('done/')).length)).toBe(transfers.length);
      }),
      properties(60),
    );
  });
});

describe('a list inside a transaction', () => {
  const content = fc.uniqueArray(storedKey, { maxLength: 30 });
  const change = fc.tuple(fc.boolean(), storedKey);

  test('is that of a sorted map with the writes merged in, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.array(change, { maxLength: 30 }),
        storedKey,
        fc.integer({ min: 1, max: 7 }),
        async (stored, changes, some, limit) => {
          const { store } = await freshStore();
          await store.transact(async (tx) => stored.forEach((key) => tx.put(key, utf8(`stored ${key}`))));
          const model = new Map(stored.map((key) => [key, `stored ${key}`]));
          await store.transact(async (tx) => {
            for (const [put, key] of changes) {
              if (put) tx.put(key, utf8(`own ${key}`));
              else tx.delete(key);
              if (put) model.set(key, `own ${key}`);
              else model.delete(key);
            }
            const prefix = String.fromCodePoint(some.codePointAt(0) ?? 0);
            for (const below of ['', prefix]) {
              const expected = [...model.keys()]
                .filter((key) => key.startsWith(below))
                .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
              expect(keysOf(await tx.list(below))).toEqual(expected);
              const paged: ListedKey[] = [];
              for (;;) {
                const last = paged.at(-1)?.key;
                const page = await tx.list(below, { limit, values: true, ...(last === undefined ? {} : { after: last }) });
                paged.push(...page);
                if (page.length < limit) break;
              }
              expect(paged.map((entry) => [entry.key, fromUtf8(entry.value ?? utf8(''))])).toEqual(
                expected.map((key) => [key, model.get(key)]),
              );
            }
          });
          expect(keysOf(await store.read((tx) => tx.list(''))).sort()).toEqual([...model.keys()].sort());
        },
      ),
      properties(150),
    );
  });

  test('guards only what it saw: a key behind a page does not make it run again', async () => {
    const { store } = await freshStore();
    await store.transact(async (tx) => ['a', 'b', 'c', 'd'].forEach((key) => tx.put(key, utf8('1'))));
    const runsWhen = async (disturb: (tx: Transaction) => void) => {
      let runs = 0;
      await store.transact(async (tx) => {
        runs++;
        await tx.list('', { limit: 2 });
        if (runs === 1) await store.transact(async (other) => disturb(other));
      });
      return runs;
    };
    expect(await runsWhen((tx) => tx.put('e', utf8('1')))).toBe(1);
    expect(await runsWhen((tx) => tx.put('c', utf8('2')))).toBe(1);
    expect(await runsWhen((tx) => tx.put('aa', utf8('1')))).toBe(2);
    expect(await runsWhen((tx) => tx.put('a', utf8('2')))).toBe(2);
    expect(await runsWhen((tx) => tx.delete('a'))).toBe(2);
  });
});

describe('a large transaction', () => {
  test('of 40,000 puts with lists in between takes time in proportion', async () => {
    const time = async (puts: number) => {
      const { store } = await freshStore();
      // The processor's time, which a busy machine does not stretch.
      const start = process.cpuUsage();
      await store.transact(async (tx) => {
        for (let index = 0; index < puts; index++) {
          // Scattered, so that keys do not simply arrive in order.
          tx.put(`folder/${(index * 7919) % puts}`, utf8('value'));
          if (index % 10 === 0) await tx.list('folder/', { limit: 3 });
        }
      });
      return process.cpuUsage(start).user;
    };
    await time(10_000);
    const small = await time(10_000);
    const large = await time(40_000);
    // Four times the work; quadratic would be sixteen times.
    expect(large / small).toBeLessThan(10);
  });
});
