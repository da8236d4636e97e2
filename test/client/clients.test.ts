// The client of AuthService at a real gateway.

import { status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { createAuthClient } from "../../src/client/auth-client.ts";
import { createLoginSigner } from "../../src/client/login-signer.ts";
import { CUSTOMER_KEY, startFileGateway } from "../gateway.ts";

const NOW = 1_764_000_000_500;
const gateway = await startFileGateway({}, { now: () => NOW });

test.each(["internalUrl", "publicUrl"] as const)("a login and the time, at %s", async (listener) => {
  const client = createAuthClient({ url: gateway[listener] });
  onTestFinished(() => client.close());
  const deviceKey = await gateway.enrol();
  const signer = createLoginSigner({ deviceKey, customerKey: CUSTOMER_KEY, now: () => NOW });
  const login = signer.sign();
  expect(await client.login(login)).toEqual({ token: expect.stringMatching(/^eyJ/), expires_in: 600 });
  expect(await client.getServerTime({})).toEqual({ server_time: 1_764_000_000 });

  await expect(client.login({ ...login, timestamp: 1_620_045_991 })).rejects.toMatchObject({
    code: status.UNAUTHENTICATED,
    reason: "clock_skew",
    details: { serverTime: 1_764_000_000 },
  });
  await expect(client.login({ ...login, device_signature: "" })).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    reason: "malformed",
    details: { field: "device_signature" },
  });
});
