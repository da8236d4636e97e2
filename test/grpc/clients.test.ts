// The two clients at a real gateway: what they are answered, and what they are refused for.

import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createAuthClient } from "../../src/grpc/auth-client.ts";
import { createLoginSigner } from "../../src/grpc/login-signer.ts";
import { createTokenClient, type TokenClient } from "../../src/grpc/token-client.ts";
import { CUSTOMER_KEY, openGateway, type TestGateway } from "../gateway.ts";

const NOW = 1_764_000_000_500;
let time = NOW;
let gateway: TestGateway;
let tokens: TokenClient;

beforeAll(async () => {
  gateway = await openGateway({}, { now: () => time });
  tokens = createTokenClient({ url: gateway.internalUrl });
});

afterAll(async () => {
  tokens.close();
  await gateway.close();
});

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
    particulars: { serverTime: 1_764_000_000 },
  });
  await expect(client.login({ ...login, device_signature: "" })).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    reason: "malformed",
    particulars: { field: "device_signature" },
  });
});

test("tokens are checked on the internal listener alone", async () => {
  const client = createTokenClient({ url: gateway.publicUrl });
  onTestFinished(() => client.close());
  await expect(client.verify("a-token")).rejects.toMatchObject({ code: status.UNIMPLEMENTED, reason: "not_found" });
});

test("whose a token is, and what is wrong with one", async () => {
  const client = createAuthClient({ url: gateway.internalUrl });
  onTestFinished(() => client.close());
  const deviceKey = await gateway.enrol();
  const { token } = await client.login(
    createLoginSigner({ deviceKey, customerKey: CUSTOMER_KEY, now: () => NOW }).sign(),
  );
  expect(await tokens.verify(token)).toEqual({
    deviceKey,
    customerId: gateway.customerId,
    jti: expect.any(String),
    issuedAt: new Date(1_764_000_000_000),
    expiresAt: new Date(1_764_000_600_000),
  });

  const refused = { code: status.UNAUTHENTICATED, reason: "invalid" };
  await expect(tokens.verify(`${token.slice(0, -8)}AAAAAAAA`)).rejects.toMatchObject(refused);
  onTestFinished(() => {
    time = NOW;
  });
  time += 3_600_000;
  await expect(tokens.verify(token)).rejects.toMatchObject({ ...refused, reason: "expired" });
});
