import { cubbyhole } from './cubbyhole/index.ts';
import { database } from './database/index.ts';
import type { Engine } from './engine.ts';
import { kv } from './kv/index.ts';

/** Every engine of this build: one folder, one line. */
export const engines: readonly Engine[] = [cubbyhole, database, kv];
