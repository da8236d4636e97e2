// The short of `npm run outage`: two gateways under load go on within their bound. Every other way that Redis is away is
// told apart by connections alone (core/limiter/connection.redis.test.ts).

import { expect, test } from "vitest";
import { runOutage } from "./outage/outage.ts";

test.for(["kill", "move"] as const)("%s", async (fault) => {
  const { logins, failed, most, bound, falselyDenied } = await runOutage({
    fault,
    limits: { limit: 6, windowMs: 2_000 },
    devices: 8,
    rate: 60,
    beforeMs: 1_000,
    awayMs: 1_000,
    afterMs: 1_500,
    // On a busy machine Redis is not late: where slots move, each decision has to be its own.
    redisDeadlineMs: fault === "move" ? 2_000 : 300,
  });
  expect({ failed, falselyDenied }).toEqual({ failed: 0, falselyDenied: 0 });
  expect(most).toBeLessThanOrEqual(bound);
  expect(logins).toBeGreaterThan(100);
});
