import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { cpus, hostname, machine, platform, release, totalmem, freemem, uptime } from 'node:os';
import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';

/** A file of the kernel; empty where there is none: another system than Linux, or a container that hides it. */
type ReadText = (path: string) => string;

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * What sys/host-info says of the machine, in the names of the Vault API. Sizes are bytes, times seconds; what this system
 * does not tell is 0 or empty, so that every member is there. `now` is milliseconds since the epoch.
 */
export function hostInfo(now: number, read: ReadText = readText): JsonObject {
  return {
    cpu: processors(read('/proc/cpuinfo')),
    cpu_times: processorTimes(read('/proc/stat')),
    disk: [disk('/', read('/proc/mounts'))],
    host: host(now, read('/etc/os-release')),
    memory: memory(read('/proc/meminfo')),
    timestamp: instantText(now),
  };
}

/** The lines `name : value` of a text. */
function members(text: string, separator: RegExp): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = separator.exec(line) ?? [];
    if (name !== undefined && value !== undefined) found.set(name, value);
  }
  return found;
}

/** The number that a text starts with; 0 for none. */
function number(text: string | undefined): number {
  const value = Number.parseFloat(text ?? '');
  return Number.isFinite(value) ? value : 0;
}

function processors(text: string): readonly JsonObject[] {
  const blocks = text.split('\n\n').filter((block) => block.includes('processor'));
  if (blocks.length === 0)
    return cpus().map(({ model, speed }, index) =>
      processor(
        index,
        new Map([
          ['model name', model],
          ['cpu MHz', String(speed)],
        ]),
      ),
    );
  return blocks.map((block, index) => processor(index, members(block, /^([^\t:]+?)\s*:\s*(.*)$/)));
}

function processor(index: number, of: ReadonlyMap<string, string>): JsonObject {
  return {
    cpu: of.has('processor') ? number(of.get('processor')) : index,
    vendorId: of.get('vendor_id') ?? '',
    family: of.get('cpu family') ?? '',
    model: of.get('model') ?? '',
    stepping: number(of.get('stepping')),
    physicalId: of.get('physical id') ?? '',
    coreId: of.get('core id') ?? '',
    cores: 1,
    modelName: of.get('model name') ?? '',
    mhz: number(of.get('cpu MHz')),
    cacheSize: number(of.get('cache size')),
    flags: (of.get('flags') ?? '').split(' ').filter((flag) => flag !== ''),
    microcode: of.get('microcode') ?? '',
  };
}

/** The kernel counts in hundredths of a second. */
const ticksPerSecond = 100;

function processorTimes(text: string): readonly JsonObject[] {
  const lines = text.split('\n').filter((line) => /^cpu\d/.test(line));
  const shown = (cpu: string, ticks: readonly number[]): JsonObject => {
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0, guest = 0, guestNice = 0] =
      ticks;
    return { cpu, user, system, idle, nice, iowait, irq, softirq, steal, guest, guestNice };
  };
  if (lines.length === 0) {
    return cpus().map(({ times: { user, nice, sys, idle, irq } }, index) =>
      shown(
        `cpu${index}`,
        [user, nice, sys, idle, 0, irq].map((milliseconds) => milliseconds / 1000),
      ),
    );
  }
  return lines.map((line) => {
    const [cpu = '', ...ticks] = line.split(/\s+/);
    return shown(
      cpu,
      ticks.map((tick) => number(tick) / ticksPerSecond),
    );
  });
}

function disk(path: string, mounts: string): JsonObject {
  const fstype = /^\S+ \/ (\S+)/m.exec(mounts)?.[1] ?? '';
  const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(path);
  const used = (blocks - bfree) * bsize;
  const usable = used + bavail * bsize;
  return {
    path,
    fstype,
    total: blocks * bsize,
    free: bavail * bsize,
    used,
    usedPercent: usable === 0 ? 0 : (used / usable) * 100,
    inodesTotal: files,
    inodesUsed: files - ffree,
    inodesFree: ffree,
    inodesUsedPercent: files === 0 ? 0 : ((files - ffree) / files) * 100,
  };
}

function host(now: number, osRelease: string): JsonObject {
  const release_ = members(osRelease, /^(\w+)="?([^"]*)"?$/);
  const id = release_.get('ID') ?? platform();
  const up = Math.trunc(uptime());
  return {
    hostname: hostname(),
    uptime: up,
    bootTime: Math.trunc(now / 1000) - up,
    procs: processes(),
    os: platform(),
    platform: id,
    platformFamily: release_.get('ID_LIKE')?.split(' ')[0] ?? id,
    platformVersion: release_.get('VERSION_ID') ?? '',
    kernelVersion: release(),
    kernelArch: machine(),
    virtualizationSystem: '',
    virtualizationRole: '',
    hostid: '',
  };
}

function processes(): number {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
  } catch {
    return 0;
  }
}

/** Our names for the members of /proc/meminfo. */
const memoryNames = {
  active: 'Active',
  inactive: 'Inactive',
  buffers: 'Buffers',
  cached: 'Cached',
  writeback: 'Writeback',
  dirty: 'Dirty',
  writebacktmp: 'WritebackTmp',
  shared: 'Shmem',
  slab: 'Slab',
  sreclaimable: 'SReclaimable',
  sunreclaim: 'SUnreclaim',
  pagetables: 'PageTables',
  swapcached: 'SwapCached',
  commitlimit: 'CommitLimit',
  committedas: 'Committed_AS',
  hightotal: 'HighTotal',
  highfree: 'HighFree',
  lowtotal: 'LowTotal',
  lowfree: 'LowFree',
  swaptotal: 'SwapTotal',
  swapfree: 'SwapFree',
  mapped: 'Mapped',
  vmalloctotal: 'VmallocTotal',
  vmallocused: 'VmallocUsed',
  vmallocchunk: 'VmallocChunk',
  hugepagesize: 'Hugepagesize',
} as const;

function memory(text: string): JsonObject {
  const of = members(text, /^(\w+):\s+(.*)$/);
  const bytes = (name: string): number => number(of.get(name)) * 1024;
  const total = bytes('MemTotal') || totalmem();
  const free = bytes('MemFree') || freemem();
  const available = bytes('MemAvailable') || free;
  return {
    total,
    available,
    used: total - available,
    usedPercent: ((total - available) / total) * 100,
    free,
    ...Object.fromEntries(Object.entries(memoryNames).map(([ours, theirs]) => [ours, bytes(theirs)])),
    // These two are BSD's.
    wired: 0,
    laundry: 0,
    hugepagestotal: number(of.get('HugePages_Total')),
    hugepagesfree: number(of.get('HugePages_Free')),
  };
}
