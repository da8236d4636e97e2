// Settings of `npm run test:interop`: foreign programs call a gateway, one after the other, with time to install and build them.

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
