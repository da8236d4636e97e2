// The test runner's settings.

import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/setup.ts"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Many wait for servers and windows rather than for a core.
    maxWorkers: Math.max(3, availableParallelism()),
  },
});
