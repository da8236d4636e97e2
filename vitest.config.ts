// The test runner's settings.

import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/setup.ts"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Loading the same modules for each file would take a third of the time. Files that change what they share put it back.
    isolate: false,
    // For the processes that tests start: they have the same modules to compile.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
    sequence: { sequencer: LongestFirst },
    // Many wait for servers and windows rather than for a core.
    maxWorkers: Math.max(4, availableParallelism()),
  },
});
