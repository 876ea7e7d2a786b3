import { approle } from './approle/index.ts';
import type { AuthMethod } from './method.ts';

/** Every auth method of this build, the built-in `token` apart: one folder, one line. */
export const authMethods: readonly AuthMethod[] = [approle];
