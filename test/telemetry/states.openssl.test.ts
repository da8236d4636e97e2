// Gauges that read their states at each rendering.

import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { makeCertificate } from "../http/openssl.ts";
import { temporaryFolder } from "../program.ts";

test("the gauges have the delay, the logins under way, the key's age and the expiry of each certificate", async () => {
  const { cert } = makeCertificate(temporaryFolder(), "server", "ecdsa");
  const idle = await createMetrics("1.2.3").render();
  expect(idle.body).toContain("\ncountersign_logins_under_way 0\n");
  const metrics = createMetrics("1.2.3", {
    eventLoopDelayMs: () => 250,
    loginsUnderWay: () => 7,
    keyActiveSince: () => 1_000_000,
    certificates: [cert],
    now: () => 1_090_000,
  });
  const expiry = new X509Certificate(readFileSync(cert)).validToDate.getTime() / 1_000;
  const { body } = await metrics.render();
  for (const line of [
    "countersign_event_loop_delay_seconds 0.25",
    "countersign_logins_under_way 7",
    "countersign_signing_key_age_seconds 90",
    `countersign_certificate_expiry_timestamp_seconds{key="ec"} ${expiry}`,
  ]) {
    expect(body.split("\n")).toContain(line);
  }
  writeFileSync(cert, "half of a file");
  expect((await metrics.render()).body).not.toContain("countersign_certificate_expiry_timestamp_seconds{");
});
