// Redis away under load, in short: two gateways go on, within their bound, and are exact before and after.

import { expect, test } from "vitest";
import type { FaultName } from "./outage/faults.ts";
import { runOutage } from "./outage/outage.ts";

const LIMIT = 6;
const faults: readonly FaultName[] = ["kill", "pause", "swallow", "sentinel", "cluster", "move"];

test.concurrent.for(faults)("%s", { timeout: 60_000 }, async (fault) => {
  const { logins, failed, most, bound, overAdmitted, falselyDenied, executed, repeated } = await runOutage({
    fault,
    limits: { limit: LIMIT, windowMs: 2_000 },
    devices: 8,
    rate: 60,
    beforeMs: 1_500,
    awayMs: 1_000,
    afterMs: 2_500,
    // The other tests keep this machine busy: what is late here is not away.
    redisDeadlineMs: 300,
  });
  expect({ failed, overAdmitted, falselyDenied, repeated }).toEqual({
    failed: 0,
    overAdmitted: 0,
    falselyDenied: 0,
    repeated: 0,
  });
  expect(most).toBeLessThanOrEqual(fault === "move" ? LIMIT : bound);
  // The load was there, and Redis decided some of it.
  expect(logins).toBeGreaterThan(100);
  expect(executed).toBeGreaterThan(20);
});
