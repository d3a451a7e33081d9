import { defineConfig } from 'vitest/config';

/**
 * Three projects, one per kind of test, because each needs other parts:
 * `unit` needs nothing, `functional` a PostgreSQL and a RabbitMQ, `e2e` a whole private cluster.
 */
export default defineConfig({
  test: {
    reporters: ['default', './test/reporter/count-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 10_000,
          pool: 'threads',
          isolate: false,
        },
      },
      {
        test: {
          name: 'functional',
          include: ['test/functional/**/*.test.ts'],
          globalSetup: ['test/functional/servers.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          pool: 'forks',
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          pool: 'forks',
          fileParallelism: false,
        },
      },
    ],
  },
});
