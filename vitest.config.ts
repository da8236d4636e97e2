// The test runner's settings.

import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/interop/**"],
    globalSetup: ["test/setup.ts"],
    // A test that hangs ends; one that waits for a core beside other work does not.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // Loading the same modules for each file would take a third of the time. Files that change what they share put it back.
    isolate: false,
    // For the processes that tests start: they have the same modules to compile.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
    sequence: { sequencer: LongestFirst },
    // Many wait for servers and windows rather than for a core.
    maxWorkers: Math.max(4, availableParallelism()),
  },
});
