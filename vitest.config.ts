import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['unit', 'integration', 'peers'].map((name) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout: name === 'unit' ? 10_000 : 120_000,
        hookTimeout: 60_000,
        ...(name === 'unit' ? {} : { fileParallelism: false }),
      },
    })),
  },
});
