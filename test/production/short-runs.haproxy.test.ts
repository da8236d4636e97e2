// Short versions of `npm run chaos`, with each fault once, `rolling`, and `storm`, without its times.

import { expect, test } from "vitest";
import { runChaos } from "./chaos.ts";
import { runRolling } from "./rolling.ts";
import { runStorm } from "./storm.ts";

test("no fault of Redis, PostgreSQL, keys or a gateway brings a wrong answer or a crash", async () => {
  const { faults, logins, mistakes, crashes } = await runChaos({ logins: 500, everySeconds: 1, faults: 7, rate: 100 });
  expect({ faults: new Set(faults).size, mistakes, crashes }).toEqual({ faults: 7, mistakes: [], crashes: 0 });
  expect(logins).toBeGreaterThanOrEqual(500);
});

test("gateways restart in turn behind HAProxy, and no login fails", async () => {
  const { restarts, logins, mistakes, badExits } = await runRolling(2, 500, 100);
  expect({ mistakes, badExits }).toEqual({ mistakes: [], badExits: 0 });
  expect(restarts).toBeGreaterThanOrEqual(2);
  expect(logins).toBeGreaterThanOrEqual(500);
});

test("every board of a storm gets its token, and every answer is 200, 429 or 503", async () => {
  const { withToken, counts } = await runStorm({ boards: 300, withinSeconds: 1, measureSeconds: 2 });
  expect(withToken).toBe(300);
  expect(Object.keys(counts).filter((status) => !["200", "429", "503"].includes(status))).toEqual([]);
});
