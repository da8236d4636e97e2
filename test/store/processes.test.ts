// Several processes that start at once on one empty folder.

import { expect, onTestFinished, test } from "vitest";
import { emptySqlite } from "./connections.ts";
import { agree, loadStarters } from "./start-together.ts";

test("eight processes agree on one signing key, round after round", { timeout: 60_000 }, async () => {
  const starters = await loadStarters(8);
  onTestFinished(starters.close);
  for (const alg of ["RS256", "ES256", "EdDSA"] as const) {
    expect(await starters.start(emptySqlite().path, alg)).toSatisfy(agree);
  }
});
