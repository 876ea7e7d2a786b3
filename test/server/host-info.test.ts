import { describe, expect, it } from 'vitest';
import { hostInfo } from '../../src/server/host-info.ts';

const files: Readonly<Record<string, string>> = {
  '/proc/cpuinfo': [
    'processor\t: 0\nvendor_id\t: Maker\ncpu family\t: 6\nmodel\t\t: 167\nmodel name\t: Maker CPU\nstepping\t: 1\ncpu MHz\t\t: 2600.5',
    'processor\t: 1\nphysical id\t: 0\ncore id\t\t: 1\ncache size\t: 512 KB\nflags\t\t: fpu vme\nmicrocode\t: 0x1\n',
  ].join('\n\n'),
  '/proc/stat': 'cpu  300 0 0 0 0 0 0 0 0 0\ncpu0 100 20 30 40 5 6 7 8 9 10\ncpu1 200 0 0 0 0 0 0 0 0 0\nintr 1 2 3\n',
  '/proc/mounts': 'proc /proc proc rw 0 0\n/dev/vda / ext4 rw 0 0\n',
  '/etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian"\n',
  '/proc/meminfo':
    'MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nSwapTotal: 7 kB\nHugePages_Total: 3\nHugepagesize: 2048 kB\n',
};
const now = Date.UTC(2026, 10, 1);

describe('host information', () => {
  it('reads what the kernel tells', () => {
    expect(hostInfo(now, (path) => files[path] ?? '')).toMatchObject({
      cpu: [
        { cpu: 0, vendorId: 'Maker', family: '6', model: '167', modelName: 'Maker CPU', stepping: 1, mhz: 2600.5, flags: [] },
        { cpu: 1, physicalId: '0', coreId: '1', cacheSize: 512, flags: ['fpu', 'vme'], microcode: '0x1' },
      ],
      cpu_times: [
        {
          ...{ cpu: 'cpu0', user: 1, nice: 0.2, system: 0.3, idle: 0.4, iowait: 0.05 },
          ...{ irq: 0.06, softirq: 0.07, steal: 0.08, guest: 0.09, guestNice: 0.1 },
        },
        { cpu: 'cpu1', user: 2 },
      ],
      disk: [{ path: '/', fstype: 'ext4' }],
      host: { platform: 'debian', platformFamily: 'debian', platformVersion: '12' },
      memory: {
        total: 1_024_000,
        free: 102_400,
        available: 409_600,
        used: 614_400,
        usedPercent: 60,
        swaptotal: 7168,
        hugepagestotal: 3,
        hugepagesize: 2_097_152,
      },
      timestamp: '2026-11-01T00:00:00Z',
    });
  });

  it('has every member also where the kernel tells nothing', () => {
    const silent = hostInfo(now, () => '');
    const told = hostInfo(now, (path) => files[path] ?? '');
    for (const part of ['host', 'memory'] as const)
      expect(Object.keys(silent[part] as object)).toEqual(Object.keys(told[part] as object));
    for (const part of ['cpu', 'cpu_times', 'disk'] as const) {
      const [one, other] = [silent, told].map((info) => Object.keys((info[part] as readonly object[])[0] ?? {}));
      expect(one).toEqual(other);
    }
  });
});
