// A short `npm run outage`: two gateways under load stay within their bound. Other kinds of outage differ only in the connection,
// which core/limiter/connection.redis.test.ts tests.

import { expect, test } from "vitest";
import { runOutage } from "./outage/outage.ts";

test.for(["kill", "move"] as const)("logins stay within the bound through the fault %s", async (fault) => {
  const { logins, failed, most, bound, falselyDenied } = await runOutage({
    fault,
    limits: { limit: 6, windowMs: 2_000 },
    devices: 8,
    rate: 60,
    beforeMs: 1_000,
    awayMs: 1_000,
    afterMs: 1_500,
    // Long deadlines for a busy machine. While slots move, Redis has to decide everything.
    redisDeadlineMs: fault === "move" ? 2_000 : 300,
  });
  expect({ failed, falselyDenied }).toEqual({ failed: 0, falselyDenied: 0 });
  expect(most).toBeLessThanOrEqual(bound);
  expect(logins).toBeGreaterThan(100);
});
