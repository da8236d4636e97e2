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

test("a login that was refused before its shape was checked logs no device_key of another shape", async () => {
  const log: string[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  const overloaded = new AuthError("unavailable", "too many logins are under way");
  const observer = createObserver(logger, createMetrics(), () => 0);
  const logIn = observer.observeLogIn(() => Promise.reject(overloaded));
  const caller = { address: "192.0.2.1", requestId: "r", protocol: "rest" };
  for (const deviceKey of ["STRANGER\u001b[31m", "x".repeat(97), "pump-7"]) {
    const request = { deviceKey, timestamp: 1n, deviceSignature: "00" };
    await expect(logIn(request, caller)).rejects.toBe(overloaded);
  }
  expect(log.join("").match(/"device_key":"[^"]*"/g)).toEqual(['"device_key":"pump-7"']);
});
