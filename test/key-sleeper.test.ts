// A gateway that was paused during a change of signing keys reads them before it signs.

import { setTimeout as pause } from "node:timers/promises";
import { decodeProtectedHeader } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { YOUNG_MS } from "../src/core/tokens/keyring.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, logInBy, startTestGateway } from "./gateway.ts";
import { openProcess } from "./outage/gateway-process.ts";
import { temporaryFolder } from "./program.ts";

test("a gateway that wakes does not sign with a key revoked meanwhile", async () => {
  const settings = { DATA_DIR: temporaryFolder(), TOKEN_ALG: "ES256" };
  const gateway = await startTestGateway(settings);
  const deviceKey = await gateway.enrol();
  const order = { settings, deviceKeys: [], replayGuard: false, redisDeadlineMs: 1_000 };
  const { publicUrl, child: sleeper } = await openProcess(order, onTestFinished);
  onTestFinished(() => void sleeper.kill("SIGCONT"));
  const kidOf = async (url: string): Promise<string | undefined> => {
    const response = await logInBy(url, { deviceKey, customerKey: CUSTOMER_KEY });
    const body: { token: string } = JSON.parse(await response.text());
    return decodeProtectedHeader(body.token).kid;
  };
  const before = await kidOf(publicUrl);
  expect(await kidOf(gateway.publicUrl)).toBe(before);

  sleeper.kill("SIGSTOP");
  // Sent during the pause, so that the gateway handles it first.
  const late = kidOf(publicUrl);
  const revoked = await fetch(new URL(`/v1/signing-keys/${before}:revoke`, gateway.internalUrl), {
    method: "POST",
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "application/json" },
    body: "{}",
  });
  const { active }: { active: { kid: string } } = JSON.parse(await revoked.text());
  expect(active.kid).not.toBe(before);
  // Cached keys sign for less than two seconds.
  await pause(YOUNG_MS);
  sleeper.kill("SIGCONT");
  expect(await late).toBe(active.kid);
  expect(await kidOf(gateway.publicUrl)).toBe(active.kid);
});
