// The short run of `npm run verifiers`: a minute with the issuer and a minute without it, in the time that the work takes.

import { expect, test } from "vitest";
import { measureAbsence } from "./absence.ts";
import { NOW } from "./issuer.ts";

test("verifiers keep answering without their issuer, and a flood costs it a fetch in 30 s", async () => {
  let now = NOW;
  const { there, away, newKeyAfter } = await measureAbsence(60, {
    now: () => now,
    tick: async () => {
      now += 100;
    },
  });
  expect(there).toMatchObject({ good: 2_400, refused: 0, madeUp: 24_000, accepted: 0 });
  expect(away).toMatchObject({ good: 2_400, refused: 0, madeUp: 24_000, accepted: 0 });
  expect(there.fetches).toBeLessThanOrEqual(3);
  expect(away.fetches).toBeLessThanOrEqual(3);
  expect(newKeyAfter).toBeLessThanOrEqual(30);
});
