// Metrics that observers keep.

import pino from "pino";
import { expect, test } from "vitest";
import { AuthError } from "../../src/core/errors.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createObserver } from "../../src/telemetry/observe.ts";
import { readVersion } from "../../src/telemetry/version.ts";

test("countersign_faults_total counts faults, internal errors and uncaught errors, and no other error", async () => {
  const metrics = createMetrics();
  const observer = createObserver(pino({ level: "silent" }), metrics, () => 0);
  const caller = { address: "192.0.2.1", requestId: "r", protocol: "rest" };
  const count = async () => (await metrics.render()).body.match(/^countersign_faults_total (\d+)$/m)?.[1];
  expect(await count()).toBe("0");
  observer.refused(new AuthError("not_found", "no"), caller);
  expect(await count()).toBe("0");
  observer.fault(new Error("planted"));
  observer.refused(new AuthError("internal", "planted"), caller);
  observer.uncaught(new Error("planted"));
  expect(await count()).toBe("3");
});

test("countersign_build_info has the version", async () => {
  const { body } = await createMetrics().render();
  expect(body).toContain(`countersign_build_info{version="${readVersion()}"} 1\n`);
});
