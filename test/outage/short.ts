// An outage in short, for the suite: two gateways go on, within their bound, and are exact before and after.

import { expect } from "vitest";
import type { FaultName } from "./faults.ts";
import { type OutageReport, runOutage } from "./outage.ts";

const LIMIT = 6;
const ATTEMPTS = 3;

/** Runs it until the machine lets Redis be heard in time, before and after. */
export async function checkOutage(fault: FaultName): Promise<void> {
  const { logins, failed, most, bound, overAdmitted, falselyDenied, executed, repeated } = await runUndisturbed(fault);
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
}

async function runUndisturbed(fault: FaultName): Promise<OutageReport> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const report = await runOutage({
      fault,
      limits: { limit: LIMIT, windowMs: 2_000 },
      devices: 8,
      rate: 60,
      beforeMs: 1_500,
      awayMs: 1_000,
      afterMs: 2_500,
      redisDeadlineMs: 300,
    });
    if (!report.disturbed) return report;
  }
  throw new Error("the machine is too busy: Redis is not heard within 300 ms");
}
