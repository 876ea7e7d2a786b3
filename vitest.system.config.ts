import { defineConfig } from 'vitest/config';

/** What needs more than Node: programs such as age and strace, a MariaDB. */
export default defineConfig({
  test: {
    include: ['test/system/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
