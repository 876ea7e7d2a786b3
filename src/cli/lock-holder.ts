import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Which process of which boot of which machine, for whoever wants to know whether it is still there: the boot id, the
 * namespace of the process id (a container has its own), the process id and the start time in clock ticks since the
 * boot. Null where the system does not tell (it is no Linux).
 */
export function processName(pid: number): string | null {
  try {
    return [
      readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      readlinkSync('/proc/self/ns/pid'),
      pid,
      startOf(pid),
    ].join(' ');
  } catch {
    return null;
  }
}

/** True only where it is certain: a process of another boot, machine or container may be there. */
export function isProvablyGone(name: string): boolean {
  const [boot, namespace, pid, start] = name.split(' ');
  const [ownBoot, ownNamespace] = processName(process.pid)?.split(' ') ?? [];
  if (ownBoot === undefined || boot !== ownBoot || namespace !== ownNamespace) return false;
  if (!/^[1-9]\d{0,9}$/.test(pid ?? '') || !/^\d{1,20}$/.test(start ?? '')) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    // EPERM is a process of somebody else, which may be hidden from /proc.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  try {
    // Another process has its number by now.
    return startOf(Number(pid)) !== start;
  } catch {
    return false;
  }
}

/** Field 22 of proc_pid_stat(5). The name of the program before it may hold spaces and parentheses. */
function startOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  if (start === undefined) throw new Error('the system does not tell when a process began');
  return start;
}
