declare module 'fs-native-extensions' {
  /** Takes an exclusive lock on a whole open file, or returns false where another open file has one. Freed by closing. */
  export function tryLock(descriptor: number): boolean;
}
