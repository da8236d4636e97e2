// The short version of `npm run rolling`.

import { expect, test } from "vitest";
import { runRolling } from "./rolling.ts";

test("gateways restart in turn behind HAProxy, and no login fails", async () => {
  const { restarts, logins, mistakes, badExits } = await runRolling(2, 500, 100);
  expect({ mistakes, badExits }).toEqual({ mistakes: [], badExits: 0 });
  expect(restarts).toBeGreaterThanOrEqual(2);
  expect(logins).toBeGreaterThanOrEqual(500);
});
