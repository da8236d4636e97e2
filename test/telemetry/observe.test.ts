// Metrics and log lines of observers.

import pino from "pino";
import { expect, test } from "vitest";
import { AuthError } from "../../src/core/errors.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createObserver } from "../../src/telemetry/observe.ts";
import { postLogin, signNow, startTestGateway } from "../gateway.ts";

const CALLER = { address: "192.0.2.1", requestId: "r", protocol: "rest" };

function open() {
  const log: string[] = [];
  const outcomes: string[] = [];
  const metrics = createMetrics("1.2.3");
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  const onLogin = (outcome: string): void => void outcomes.push(outcome);
  const observer = createObserver({ logger, metrics, onLogin, elapsed: () => 0 });
  return { log, outcomes, metrics, observer };
}

test("metrics have the version, and count faults, internal errors and uncaught errors, and no other error", async () => {
  const { metrics, observer } = open();
  const count = async () => (await metrics.render()).body.match(/^countersign_faults_total (\d+)$/m)?.[1];
  expect(await count()).toBe("0");
  observer.refused(new AuthError("not_found", "no"), CALLER);
  expect(await count()).toBe("0");
  observer.fault(new Error("planted"));
  observer.refused(new AuthError("internal", "planted"), CALLER);
  observer.uncaught(new Error("planted"));
  expect(await count()).toBe("3");
  expect((await metrics.render()).body).toContain('countersign_build_info{version="1.2.3"} 1\n');
});

test("a login that was refused before its check is counted, and its malformed device_key is not logged", async () => {
  const { log, outcomes, observer } = open();
  const overloaded = new AuthError("unavailable", "too many logins are under way");
  const logIn = observer.observeLogIn(() => Promise.reject(overloaded));
  for (const deviceKey of ["STRANGER\u001b[31m", "x".repeat(97), "pump-7"]) {
    const request = { deviceKey, timestamp: 1n, deviceSignature: "00" };
    await expect(logIn(request, CALLER)).rejects.toBe(overloaded);
  }
  expect(log.join("").match(/"device_key":"[^"]*"/g)).toEqual(['"device_key":"pump-7"']);
  expect(outcomes).toEqual(["unavailable", "unavailable", "unavailable"]);
});

test("a bug in a login is counted as internal", async () => {
  const { outcomes, observer } = open();
  const logIn = observer.observeLogIn(() => Promise.reject(new TypeError("a bug")));
  const request = { deviceKey: "pump-7", timestamp: 1n, deviceSignature: "00" };
  await expect(logIn(request, CALLER)).rejects.toThrow("a bug");
  expect(outcomes).toEqual(["internal"]);
});

test("each step of a login is measured", async () => {
  const { publicUrl, internalUrl, enrol } = await startTestGateway();
  await postLogin(publicUrl, signNow(await enrol()));
  const body = await (await fetch(new URL("/metrics", internalUrl))).text();
  const counts = [...body.matchAll(/^countersign_login_step_seconds_count\{step="(\w+)"\} (\d+)$/gm)];
  expect(counts.map(([, ...count]) => count)).toEqual(["read", "charge", "sign"].map((step) => [step, "1"]));
});
