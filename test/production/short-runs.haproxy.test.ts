// Short versions of `npm run chaos`, `npm run rolling` and `npm run storm`.

import { expect, test } from "vitest";
import { runStorm } from "./storm.ts";
import { runChaos, runRolling } from "./under-load.ts";

test("no fault of Redis, PostgreSQL, keys or a gateway brings a wrong answer or a crash", async () => {
  const { logins, mistakes } = await runChaos(500, 1, 100);
  expect(mistakes).toEqual([]);
  expect(logins).toBeGreaterThanOrEqual(500);
});

test("gateways restart in turn behind HAProxy, and no login fails", async () => {
  const { logins, mistakes } = await runRolling(2, 500, 100);
  expect(mistakes).toEqual([]);
  expect(logins).toBeGreaterThanOrEqual(500);
});

test("every board of a storm gets its token, and every answer is 200, 429 or 503", async () => {
  const { withToken, foreign } = await runStorm({ boards: 300, withinSeconds: 1, measuredLogins: 300 });
  expect({ withToken, foreign }).toEqual({ withToken: 300, foreign: [] });
});
