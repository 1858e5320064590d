import { defineConfig } from 'vitest/config';

const kTestTimeoutMs: Readonly<Record<string, number>> = {
  unit: 30_000,
  integration: 300_000,
  peers: 300_000,
  long: 3_600_000,
};

/**
 * Tests with real processes and sockets. What they poll for comes in milliseconds; a machine that stalls for seconds must not fail
 * them, and Vitest's own second did. All limits here are for what never comes: load makes a test slow, not red.
 */
const kPatient = { expect: { poll: { timeout: 60_000 } } };
/** Two files at a time: what takes long there is calls that last as long as calls do. Soaks and sweeps have the machine alone. */
const kFilesAtOnce = 2;

export default defineConfig({
  test: {
    reporters: ['default', './tools/promises/reporter.ts'],
    projects: Object.entries(kTestTimeoutMs).map(([name, testTimeout]) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout,
        hookTimeout: 120_000,
        maxWorkers: name === 'long' ? 1 : kFilesAtOnce,
        ...(name === 'unit' ? {} : kPatient),
      },
    })),
  },
});
