import type { Clock } from './base/clock.ts';
import type { Random } from './base/random.ts';
import type { Barrier } from './barrier/barrier.ts';
import { done, type Controller, type Due } from './core/controller.ts';
import type { JobMount, MountJobs } from './core/mount-jobs.ts';
import { MountTables } from './core/mount-table.ts';
import type { Mount, MountType } from './core/mount-type.ts';
import type { AuditPort } from './core/ports.ts';
import { readRevision } from './core/revision.ts';
import { systemEntry } from './core/system-entry.ts';
import { generatePassword } from './policy/password-store.ts';
import type { Transaction, TransactionalStore } from './storage/transaction.ts';

export interface MountJobsParts {
  readonly storeId: string;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: AuditPort;
  /** As they run. */
  readonly engines: readonly MountType[];
}

/** The name under which a request wakes the controller. */
export const mountJobsName = 'mount-jobs';

/** The key of a job of a mount. */
export const jobKey = (mountId: string, key: string): string => `${mountId}:${key}`;

/** Does what mounts have to do in the background. A key is the id of a mount and the key of a job. */
export function mountJobs({ storeId, store, barrier, clock, random, audit, engines }: MountJobsParts): Controller {
  const tables = new MountTables(storeId);
  const jobsOf = ({ class: mountClass, type }: Mount): MountJobs | undefined =>
    mountClass === 'secret' ? engines.find((known) => known.type === type)?.jobs : undefined;
  const mountsIn = async (tx: Transaction) => {
    const core = barrier.view(tx, 'core');
    return tables.load(tx, core, (await readRevision(core)).mounts);
  };
  return {
    name: mountJobsName,
    description: 'Does what mounts have to do in the background: it changes passwords of databases when that is due.',
    concurrency: 8,
    async due(now, { after, limit }): Promise<Due> {
      return store.read(async (tx) => {
        const mounts = (await mountsIn(tx)).all().filter((mount) => jobsOf(mount) !== undefined);
        const [from = '', below = null] = after === null ? [] : after.split(':');
        const keys: string[] = [];
        let next: number | null = null;
        for (const mount of mounts.filter(({ id }) => id >= from).sort((a, b) => (a.id < b.id ? -1 : 1))) {
          const page = { after: mount.id === from ? below : null, limit: limit - keys.length };
          const found = await jobsOf(mount)?.due(barrier.view(tx, { mountId: mount.id }), now, page);
          if (found === undefined) continue;
          keys.push(...found.keys.map((key) => jobKey(mount.id, key)));
          if (found.next !== null) next = Math.min(next ?? found.next, found.next);
          if (found.after !== null) return { keys, after: jobKey(mount.id, found.after), next };
          if (keys.length >= limit) return { keys, after: jobKey(mount.id, '\uffff'), next };
        }
        return { keys, after: null, next };
      });
    },
    async reconcile(key, signal) {
      const [mountId = '', job = ''] = key.split(':');
      const mount = await store.read(async (tx) => (await mountsIn(tx)).byId(mountId));
      const jobs = mount === null ? undefined : jobsOf(mount);
      if (mount === null || jobs === undefined) return done;
      const access: JobMount = {
        mount,
        clock,
        random,
        transact: (work) =>
          store.transact((tx) =>
            work({
              storage: barrier.view(tx, { mountId }),
              generatePassword: (policy) => generatePassword(barrier.view(tx, 'core'), policy, random),
            }),
          ),
        note: (facts) => audit.append([systemEntry(facts, mount)]),
      };
      return jobs.step(job, access, signal);
    },
    async describe(key) {
      const [mountId = '', job = ''] = key.split(':');
      const mount = await store.read(async (tx) => (await mountsIn(tx)).byId(mountId));
      return mount === null ? null : `${mount.path}/ (${jobsOf(mount)?.describe?.(job) ?? job})`;
    },
  };
}
