import { describe, expect, test } from 'vitest';
import type { Counts, Death } from './job.ts';
import { full, seed, Seeded } from './seeded.ts';
import { type Fate, type Tally, Trial } from './trial.ts';

// Some 60 kills in all, and more than 500 in full size.
const size = { enumerated: full ? Infinity : 32, recovering: full ? Infinity : 4, random: full ? 300 : 24 };
const roundsOfAStore = 25;
const lives = (script: Fate['script']): Fate => ({ script, death: null, kill: null });
const diesAt = (death: Death, script: Fate['script'] = 'fixed'): Fate => ({ script, death, kill: null });

/** Every moment within so many commits and audit writes at which a process can be killed. */
function deathsWithin(counts: Counts): Death[] {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  return [
    ...numbers(counts.commit).flatMap((number) =>
      (['before', 'after'] as const).map((when): Death => ({ what: 'commit', number, when })),
    ),
    ...numbers(counts.append).flatMap((number) =>
      (['before', 'torn', 'after'] as const).map((when): Death => ({ what: 'append', number, when })),
    ),
  ];
}

/** How many commits and audit writes the fixed calls take in all, and until each apply has succeeded. */
async function countFixed(trial: Trial): Promise<{ readonly all: Counts; readonly applies: readonly Counts[] }> {
  const { counts, applies } = await trial.round(lives('fixed'));
  if (counts === null) throw new Error('the worker did not live to its end');
  return { all: counts, applies };
}

function partition<T>(items: readonly T[], matches: (item: T) => boolean): readonly [T[], T[]] {
  return [items.filter(matches), items.filter((item) => !matches(item))];
}

/** Two stores at a time, since there are two cores at least; each has every other round. */
async function onTwoStores<T>(
  firstStore: number,
  rounds: readonly T[],
  work: (trial: Trial, round: T) => Promise<void>,
): Promise<Tally> {
  const tallies = await Promise.all(
    [0, 1].map((side) =>
      Trial.with(firstStore + side, async (trial) => {
        for (let index = side; index < rounds.length; index += 2) await work(trial, rounds[index] as T);
      }),
    ),
  );
  return sumOf(tallies);
}

function sumOf(tallies: readonly Tally[]): Tally {
  const sum: Tally = { kills: 0, acknowledged: 0, unknown: 0, landed: 0, applies: 0, recovered: 0 };
  for (const tally of tallies) for (const name of Object.keys(sum) as (keyof Tally)[]) sum[name] += tally[name];
  return sum;
}

describe(
  'a process that is killed loses no acknowledged write and leaves no half apply, and its audit log agrees',
  { timeout: full ? 3_600_000 : 180_000 },
  () => {
    test('at each commit and each audit write', async () => {
      let deaths: readonly Death[] = [];
      await Trial.with(0, async (trial) => {
        const { all, applies } = await countFixed(trial);
        const [apply = all] = applies;
        // The end of an apply is never left out.
        const [certain, others] = partition(deathsWithin(all), ({ what, number }) => number === apply[what]);
        deaths = [...certain, ...new Seeded(seed).sample(others, size.enumerated - certain.length)];
      });
      const tally = await onTwoStores(1, deaths, async (trial, death) => {
        expect((await trial.round(diesAt(death))).ended, JSON.stringify(death)).toBe('SIGKILL');
      });
      expect(tally.kills).toBe(deaths.length);
      expect(tally.landed).toBeGreaterThan(0);
      expect(tally.applies).toBeGreaterThan(0);
    });

    test('again while the next one makes up for it', async () => {
      const tally = await Trial.with(3, async (trial) => {
        const [first] = (await countFixed(trial)).applies;
        if (first === undefined) throw new Error('no apply succeeded');
        // Committed, and the log has nothing of it, or a part.
        const deaths: readonly Death[] = [
          { what: 'commit', number: first.commit, when: 'after' },
          { what: 'append', number: first.append, when: 'torn' },
        ];
        const later = deathsWithin({ append: 1, commit: 1 });
        const pairs = deaths.flatMap((death) => later.map((second) => [death, second] as const));
        for (const [death, second] of new Seeded(seed).sample(pairs, size.recovering)) {
          expect((await trial.live(diesAt(death))).ended).toBe('SIGKILL');
          expect((await trial.round(diesAt(second, 'none'))).ended).toBe('SIGKILL');
        }
      });
      expect(tally.recovered).toBe(tally.kills / 2);
    });

    test('at random moments, with many calls under way', async () => {
      const seeded = new Seeded(seed);
      const kills = Array.from({ length: size.random }, () => ({
        // A store that is being opened has printed nothing yet.
        lines: seeded.oneIn(8) ? 0 : seeded.below(100),
        microseconds: seeded.pick([0, seeded.below(300), seeded.below(3000)]),
        again: seeded.oneIn(4) ? seeded.below(30_000) : null,
      }));
      const tallies: Tally[] = [];
      for (let done = 0; done < kills.length; done += roundsOfAStore * 2) {
        const rounds = kills.slice(done, done + roundsOfAStore * 2);
        tallies.push(
          await onTwoStores(4 + done, rounds, async (trial, { lines, microseconds, again }) => {
            await trial.live({ script: 'mixed', death: null, kill: { lines, microseconds } });
            // The next one may be killed too, while it opens the store.
            if (again !== null) await trial.live({ script: 'none', death: null, kill: { lines: 0, microseconds: again } });
            await trial.check();
          }),
        );
      }
      const tally = sumOf(tallies);
      expect(tally.kills).toBeGreaterThan(size.random * 0.8);
      expect(tally.acknowledged).toBeGreaterThan(size.random * 10);
      expect(tally.unknown).toBeGreaterThan(size.random);
      expect(tally.landed).toBeGreaterThan(0);
      expect(tally.applies).toBeGreaterThan(size.random / 6);
    });
  },
);
