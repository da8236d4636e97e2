// The short version of `npm run rolling`.

import { expect, test } from "vitest";
import { runRolling } from "./rolling.ts";

test("gateways restart in turn behind HAProxy, and no login fails", async () => {
  const { restarts, logins, mistakes, badExits } = await runRolling(2, 500, 100);
  expect({ restarts, mistakes, badExits }).toEqual({ restarts: 2, mistakes: [], badExits: 0 });
  expect(logins).toBeGreaterThanOrEqual(500);
});
