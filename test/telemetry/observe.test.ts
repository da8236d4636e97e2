// Metrics and log lines of observers, and the log's bounded buffer.

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { expect, onTestFinished, test } from "vitest";
import { AuthError } from "../../src/core/errors.ts";
import { createLog } from "../../src/telemetry/logger.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createObserver } from "../../src/telemetry/observe.ts";
import { postLogin, signNow, startTestGateway } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";

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

test("flush writes every line in order", async () => {
  const file = join(temporaryFolder(), "log");
  const fd = openSync(file, "w");
  onTestFinished(() => closeSync(fd));
  const { logger, flush } = createLog("info", { fd });
  for (let count = 0; count < 1_000; count++) logger.info({ count }, "line");
  await flush();
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).count)).toEqual(lines.map((_line, index) => index));
  expect(lines).toHaveLength(1_000);
});

test("lines beyond the buffer of a full pipe are dropped, and their number is logged when the pipe is read", async () => {
  const pipe = join(temporaryFolder(), "pipe");
  execFileSync("mkfifo", [pipe]);
  const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(fd));
  const { logger, flush } = createLog("info", { fd });
  const text = "x".repeat(1_000);
  for (let count = 0; count < 6_000; count++) logger.info(text);
  await flush();

  const chunk = Buffer.alloc(1024 * 1024);
  let output = "";
  while (!output.endsWith('"msg":"log lines were dropped"}\n')) {
    output += chunk.toString("utf8", 0, readSync(fd, chunk));
    await flush();
  }
  const lines = output.trimEnd().split("\n");
  expect(output.length).toBeLessThan(5 * 1024 * 1024);
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ level: 40, dropped: 6_000 - (lines.length - 1) });
});
