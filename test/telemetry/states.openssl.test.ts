// Gauges that read their states at each rendering, and the times of a login's steps.

import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { CUSTOMER_KEY, logInBy, startTestGateway } from "../gateway.ts";
import { makeCertificate } from "../http/openssl.ts";
import { temporaryFolder } from "../program.ts";

function readValue(body: string, name: string): number {
  const line = body.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

test("the gauges have the delay, the logins under way, the key's age and the expiry of each certificate", async () => {
  const { cert } = makeCertificate(temporaryFolder(), "server", "ecdsa");
  const idle = await createMetrics("1.2.3").render();
  expect(readValue(idle.body, "countersign_logins_under_way")).toBe(0);
  const metrics = createMetrics("1.2.3", {
    eventLoopDelayMs: () => 250,
    loginsUnderWay: () => 7,
    keyActiveSince: () => 1_000_000,
    certificates: [cert],
    now: () => 1_090_000,
  });
  const render = async (): Promise<string> => (await metrics.render()).body;
  const body = await render();
  expect(readValue(body, "countersign_event_loop_delay_seconds")).toBe(0.25);
  expect(readValue(body, "countersign_logins_under_way")).toBe(7);
  expect(readValue(body, "countersign_signing_key_age_seconds")).toBe(90);
  const expiry = new X509Certificate(readFileSync(cert)).validToDate.getTime() / 1_000;
  expect(readValue(body, 'countersign_certificate_expiry_timestamp_seconds{key="ec"}')).toBe(expiry);
  writeFileSync(cert, "half of a file");
  expect(await render()).not.toContain("countersign_certificate_expiry_timestamp_seconds{");
});

test("each step of a login is measured", async () => {
  const { publicUrl, internalUrl, enrol } = await startTestGateway();
  await logInBy(publicUrl, { deviceKey: await enrol(), customerKey: CUSTOMER_KEY });
  const body = await (await fetch(new URL("/metrics", internalUrl))).text();
  const counts = ["read", "charge", "sign"].map((step) =>
    readValue(body, `countersign_login_step_seconds_count{step="${step}"}`),
  );
  expect(counts).toEqual([1, 1, 1]);
});
