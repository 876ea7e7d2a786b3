import { systemRandom } from '../../src/base/random.ts';
import type { IssuedLease } from '../../src/core/lease.ts';
import type { MountType } from '../../src/core/mount-type.ts';
import { DroppedLeases } from '../../src/lease/dropped.ts';
import { createEndNow, type EndNow } from '../../src/lease/end-now.ts';
import { leaseExpiry } from '../../src/lease/expiry.ts';
import { Leases, type NewLease } from '../../src/lease/leases.ts';
import { mountDeletion } from '../../src/lease/mount-deletion.ts';
import type { LeaseRecord } from '../../src/lease/record.ts';
import { Reconciler } from '../../src/reconciler/reconciler.ts';
import { VirtualTime } from '../reconciler/virtual-time.ts';
import { world, type World } from '../world.ts';

/** A system with an engine at `db/` whose leases stand for users in a set: the outside world. */
export class Outside {
  readonly users = new Set<string>();
  readonly ended: IssuedLease[] = [];
  /** What ending a user says; null: it works. */
  trouble: (lease: IssuedLease) => Error | null = () => null;
  /** The ids of the leases that were tried to be ended, in order. */
  readonly tried: string[] = [];
  readonly time: VirtualTime;
  readonly at: World;
  readonly mountId: string;
  /** Of the process: a restart is the next one. */
  epoch = 1;
  #reconciler: Reconciler;

  readonly #type: string;

  private constructor(at: World, time: VirtualTime, mountId: string, type: string) {
    this.#type = type;
    this.at = at;
    this.time = time;
    this.mountId = mountId;
    this.#reconciler = this.#start();
  }

  /** `type`: of the mount. A disabled one waits for its leases where its type gives any. */
  static async open(type = 'kv'): Promise<Outside> {
    const time = new VirtualTime();
    const at = await world({ time: time.time });
    // One clock for both.
    at.clock.now = () => time.time;
    await at.write('sys/mounts/db', { type });
    const { uuid } = (await at.read('sys/mounts/db')).data!;
    return new Outside(at, time, String(uuid), type);
  }

  in<T>(work: (leases: Leases) => Promise<T>): Promise<T> {
    return this.at.store.transact((tx) => work(new Leases(this.at.barrier.view(tx, 'core'))));
  }

  begin(over: Partial<NewLease> = {}): Promise<LeaseRecord> {
    const lease: NewLease = {
      mountId: this.mountId,
      kind: 'creds',
      target: 'server',
      epoch: this.epoch,
      cap: null,
      data: { user: 'u' },
      tokenId: null,
      renewable: true,
      path: 'db/creds/app',
      inside: 'creds/app',
      ttl: 3600,
      maxTtl: 7200,
      ...over,
    };
    return this.in((leases) => leases.begin(lease, systemRandom, this.time.now()));
  }

  async issue(over: Partial<NewLease> = {}): Promise<string> {
    const { id } = await this.begin(over);
    this.users.add(id);
    await this.in((leases) => leases.activate(id));
    return id;
  }

  get(id: string): Promise<LeaseRecord | null> {
    return this.in((leases) => leases.get(id));
  }

  /** Nobody tells the background task of a crash. */
  async restart(): Promise<void> {
    void this.#reconciler.stop(0);
    await this.at.crash();
    this.epoch++;
    this.#reconciler = this.#start();
  }

  readonly endNow: EndNow = (revoked, within) =>
    createEndNow({
      read: (work) => this.at.store.read((tx) => work(this.at.barrier.view(tx, 'core'))),
      attempt: (key, signal) => this.#reconciler.attempt('lease-expiry', key, signal),
    })(revoked, within);

  wake(): void {
    this.#reconciler.wake('lease-expiry');
    this.#reconciler.wake('mount-deletion');
  }

  /** Has the target be tried at once: see Reconciler.attempt. */
  attempt(): ReturnType<Reconciler['attempt']> {
    return this.#reconciler.attempt('lease-expiry', `target:${this.mountId}.server`, AbortSignal.timeout(60_000));
  }

  #start(): Reconciler {
    const engine = {
      type: this.#type,
      leases: {
        revoke: (lease: IssuedLease) => {
          this.tried.push(lease.id);
          const trouble = this.trouble(lease);
          if (trouble !== null) return Promise.reject(trouble);
          this.users.delete(lease.id);
          this.ended.push(lease);
          return Promise.resolve();
        },
      },
    } as unknown as MountType;
    const { store, barrier } = this.at;
    const controller = leaseExpiry({
      store,
      epoch: this.epoch,
      barrier,
      clock: this.time,
      random: systemRandom,
      engines: [engine],
      audit: { append: (entries) => this.at.system.audit.append(entries) },
      dropped: new DroppedLeases(),
    });
    const deletion = mountDeletion({
      store,
      barrier,
      clock: this.time,
      wakeExpiry: () => this.wake(),
      wakePurge: () => undefined,
    });
    const reconciler = new Reconciler({
      clock: this.time,
      random: systemRandom,
      timer: this.time,
      controllers: [controller, deletion],
    });
    reconciler.start();
    return reconciler;
  }
}
