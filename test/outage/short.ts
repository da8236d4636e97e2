// An outage in short, for the suite: two gateways go on, within their bound.

import { expect } from "vitest";
import type { FaultName } from "./faults.ts";
import { runOutage } from "./outage.ts";

/** Runs it. Redis has so long to decide that a busy machine does not make it late. */
export async function checkOutage(fault: FaultName): Promise<void> {
  const { logins, failed, most, bound, falselyDenied } = await runOutage({
    fault,
    limits: { limit: 6, windowMs: 2_000 },
    devices: 8,
    rate: 60,
    beforeMs: 1_000,
    awayMs: 1_000,
    afterMs: 1_500,
    redisDeadlineMs: fault === "move" ? 2_000 : 300,
  });
  expect({ failed, falselyDenied }).toEqual({ failed: 0, falselyDenied: 0 });
  expect(most).toBeLessThanOrEqual(bound);
  expect(logins).toBeGreaterThan(100);
}
