// Short versions of the long runs, on SQLite: the default settings.

import { runCrashes } from "./crash.ts";
import { rotateSigningKeys } from "./key-rotations.ts";
import { defineShortRuns } from "./short-runs.ts";

defineShortRuns(
  async () => ({}),
  ["SQLite keeps acknowledged writes through 3 kills of the gateway", (settings) => runCrashes(3, settings)],
  ["signing keys rotate, and no token fails at an offline verifier", (settings) => rotateSigningKeys(2, 20, settings)],
);
