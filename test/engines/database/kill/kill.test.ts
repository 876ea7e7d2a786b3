import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { full, seed, Seeded } from '../../../crash/seeded.ts';
import { PostgresServer } from '../../../databases/postgres-server.ts';
import { Ground } from './ground.ts';
import { moreOperations, operations as usual } from './operations.ts';

const operations = full ? [...usual, ...moreOperations] : usual;
// In full size so many rounds in all, over the steps again and again in the order of the seed.
const roundsInAll = 500;
const roundsOfEach = full ? Math.ceil(roundsInAll / operations.length) : 0;
/** One kill in so many is followed by another of the server that makes up for it, within so many of its steps. */
const again = full ? 3 : 6;
const startSteps = 24;

let database: PostgresServer;
beforeAll(async () => {
  database = await PostgresServer.start();
});
afterAll(() => database.stop());

describe(
  `a server that is killed at every step leaves no user without a lease, no lease without a user and no password that does not log in (seed ${seed})`,
  { timeout: full ? 3_600_000 : 300_000, concurrent: true },
  () => {
    test.each(operations)('$name', async (operation) => {
      const ground = await Ground.of(operation, database);
      const seeded = new Seeded(seed + operations.indexOf(operation));
      const startStep = () => (seeded.oneIn(again) ? 1 + seeded.below(startSteps) : 0);
      const killedAt: string[] = [];
      const tally = { rounds: 0, killed: 0, killedAgain: 0 };
      const play = async (step: number) => {
        const played = await ground.play(step, startStep());
        tally.rounds++;
        if (played.killedAt !== null) tally.killed++;
        if (played.killedAgainAt !== null) tally.killedAgain++;
        return played;
      };
      // The steps are those that the code takes: one after the other, until it is through before its turn has come.
      let lived: readonly string[] | null = null;
      while (lived === null) {
        const played = await play(killedAt.length + 1);
        if (played.killedAt === null) lived = played.taken;
        else killedAt.push(played.killedAt);
      }
      // A background task may take a step of its own in one of the rounds.
      const left = lived.filter((step) => !step.startsWith('before') && !killedAt.includes(step));
      if (operation.inParallel !== true) expect(left).toEqual([]);
      expect(killedAt.length).toBeGreaterThan(lived.length / 2);
      let order: readonly number[] = [];
      while (tally.rounds < roundsOfEach) {
        if (order.length === 0) order = seeded.shuffled(killedAt.map((_, index) => index + 1));
        await play(order[0] ?? 1);
        order = order.slice(1);
      }
      console.log(
        `${operation.name}: ${killedAt.length} steps, ${tally.rounds} rounds, ${tally.killed} kills, ${tally.killedAgain} twice`,
      );
      await ground.end();
    });
  },
);
