// An outage in short, for the suite: two gateways go on, within their bound.

import { expect } from "vitest";
import type { FaultName } from "./faults.ts";
import { type OutageReport, runOutage } from "./outage.ts";

const ATTEMPTS = 3;

/** Runs it until the machine lets Redis answer in time. */
export async function checkOutage(fault: FaultName): Promise<void> {
  const { logins, failed, most, bound, overAdmitted, falselyDenied } = await runUndisturbed(fault);
  expect({ failed, overAdmitted, falselyDenied }).toEqual({ failed: 0, overAdmitted: 0, falselyDenied: 0 });
  expect(most).toBeLessThanOrEqual(bound);
  expect(logins).toBeGreaterThan(100);
}

async function runUndisturbed(fault: FaultName): Promise<OutageReport> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const report = await runOutage({
      fault,
      limits: { limit: 6, windowMs: 2_000 },
      devices: 8,
      rate: 60,
      beforeMs: 1_000,
      awayMs: 1_000,
      afterMs: 1_500,
      redisDeadlineMs: 300,
    });
    if (report.disturbed === 0) return report;
  }
  throw new Error("the machine is too busy: Redis does not answer within 300 ms");
}
