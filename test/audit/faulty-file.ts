import { openLogFile, type LogFile, type OpenLogFile } from '../../src/audit/log-file.ts';

/** What a test makes of the calls to a real file; each function may fail in place of the real call. */
export interface Faults {
  /** Returns how many of the bytes are really written, or throws after writing none. */
  write?: (bytes: Uint8Array) => number;
  datasync?: () => void;
  truncate?: () => void;
  /** Waited for before the real write or sync: holds it up. */
  beforeWrite?: () => Promise<void>;
  beforeSync?: () => Promise<void>;
}

export interface Counts {
  opens: number;
  writes: number;
  syncs: number;
}

export function errno(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}

/** Real files whose calls are counted and can be made to fail. */
export function faultyFiles(faults: Faults = {}): {
  readonly open: OpenLogFile;
  readonly counts: Counts;
  readonly faults: Faults;
} {
  const counts: Counts = { opens: 0, writes: 0, syncs: 0 };
  const open: OpenLogFile = async (path) => {
    const file = await openLogFile(path);
    counts.opens++;
    return {
      write: async (bytes) => {
        counts.writes++;
        await faults.beforeWrite?.();
        const length = faults.write?.(bytes) ?? bytes.byteLength;
        return file.write(bytes.subarray(0, length));
      },
      datasync: async () => {
        counts.syncs++;
        await faults.beforeSync?.();
        faults.datasync?.();
        await file.datasync();
      },
      truncate: async (length) => {
        faults.truncate?.();
        await file.truncate(length);
      },
      stat: () => file.stat(),
      read: (target, position) => file.read(target, position),
      close: () => file.close(),
    } satisfies LogFile;
  };
  return { open, counts, faults };
}
