// Settings of `npm run test:interop`, which runs one file at a time.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/interop/*.test.ts"],
    fileParallelism: false,
    reporters: ["verbose"],
    testTimeout: 1_800_000,
    hookTimeout: 600_000,
  },
});
