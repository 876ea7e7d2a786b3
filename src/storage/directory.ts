import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';

/** Makes a directory that only its owner may enter, whatever the umask; one that is there is made so. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
}

/** Makes new, replaced and removed names in a directory durable. */
export function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
