// Fills a stopped store with leases of database users: `fill-leases.mjs STORE CONFIG COUNT DUE`. The first DUE of them
// are past their time; their users are v-due-1 and so on. Prints the seconds that it took.
import { join } from 'node:path';
import { systemClock as clock } from '../../../dist/base/clock.js';
import { systemRandom as random } from '../../../dist/base/random.js';
import { sealContextOf } from '../../../dist/compose.js';
import { Leases } from '../../../dist/lease/leases.js';
import { openSeal, unsealStore } from '../../../dist/seal/unseal.js';
import { readSettings } from '../../../dist/settings.js';
import { openEmbeddedStore } from '../../../dist/storage/embedded.js';
import { createStore } from '../../../dist/storage/optimistic.js';

const [directory, configDirectory, mountId, ...numbers] = process.argv.slice(2);
const [count, due] = numbers.map(Number);
const settings = await readSettings(directory);
const embedded = await openEmbeddedStore(join(directory, settings.storage.path), { command: 'bench', lockTimeout: 0, clock });
const { storeId, epoch } = embedded;
const store = createStore(embedded.backend, epoch);
const seal = await openSeal(store, sealContextOf(storeId, settings.seal, configDirectory));
const barrier = await unsealStore(store, seal, { storeId, random, clock });

const { uid } = await store.read((tx) => barrier.view(tx, { mountId }).getJson('connection/main'));
const day = 24 * 3_600_000;
const start = performance.now();
for (let first = 0; first < count; first += 1000) {
  await store.transact(async (tx) => {
    const leases = new Leases(barrier.view(tx, 'core'));
    const mount = barrier.view(tx, { mountId });
    for (let index = first; index < Math.min(count, first + 1000); index++) {
      const isDue = index < due;
      const username = `v-${isDue ? 'due' : 'live'}-${index + 1}`;
      const issued = await leases.begin(
        {
          mountId,
          inside: 'creds/app',
          kind: 'user',
          target: uid,
          data: {
            username,
            role: 'app',
            connection: 'main',
            uid,
            revocation: [],
            rollback: [],
            options: { terminateSessions: false, ownedObjects: 'keep', reassignTo: '' },
          },
          ttl: 10 * 24 * 3600,
          maxTtl: 20 * 24 * 3600,
          renewable: true,
          tokenId: null,
          epoch,
          cap: null,
          path: 'database/creds/app',
        },
        random,
        // Spread over time, as they come in practice.
        isDue ? Date.now() - 11 * day + index : Date.now() - Math.floor((index / count) * day),
      );
      await leases.activate(issued.id);
      await mount.putJson(`used-by/${uid}/${issued.id}`, {});
    }
  });
}
process.stdout.write(String((performance.now() - start) / 1000));
barrier.seal();
await embedded.close();
