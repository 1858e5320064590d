import { defineConfig } from 'vitest/config';

const kTestTimeoutMs: Readonly<Record<string, number>> = {
  unit: 10_000,
  integration: 120_000,
  peers: 120_000,
  long: 3_600_000,
};

export default defineConfig({
  test: {
    projects: Object.entries(kTestTimeoutMs).map(([name, testTimeout]) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout,
        hookTimeout: 60_000,
        ...(name === 'unit' ? {} : { fileParallelism: false }),
      },
    })),
  },
});
