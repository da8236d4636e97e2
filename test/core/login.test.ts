// The order of a login's steps, and the cost of each answer.

import { decodeJwt } from "jose";
import { describe, expect, test, vi } from "vitest";
import { createActivityRecorder } from "../../src/core/activity.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { caughtErrorOf } from "./caught-error.ts";
import {
  CUSTOMER_KEY,
  callerAt,
  expectUnproven,
  NOW,
  openPath,
  policies,
  request,
  SECONDS,
  shareFixture,
} from "./login-path.ts";

const fixture = await shareFixture();
const lookUp = vi.spyOn(fixture.store.credentials, "find");

const STALE = SECONDS - 301;

describe("a right login", () => {
  test("is answered with a token of the device, and charges login", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    const { token, customerId, expiresInSeconds, limit } = await path.login(device);
    expect(path.charged).toEqual([["login"]]);
    expect(expiresInSeconds).toBe(600);
    expect(limit).toEqual({ policy: policies.login, remaining: 2, resetMs: 60_000, decidedAt: NOW });
    expect(decodeJwt(token)).toMatchObject({ sub: device, customer_id: customerId, iat: SECONDS });
  });

  test("counts against its customer's own limit", async () => {
    const path = openPath(fixture);
    const limited = await path.enrol({ loginLimit: "5/60s" });
    const unlimited = await path.enrol({ loginLimit: "off" });
    expect((await path.login(limited)).limit).toMatchObject({ policy: { name: "login", limit: 5, windowMs: 60_000 } });
    expect((await path.login(unlimited)).limit).toBeUndefined();
    expect(path.charged).toEqual([["login"]]);
  });

  test("is admitted when every limit is off, without limit headers", async () => {
    const path = openPath(fixture, { policies: { login: undefined, failure: undefined, address: undefined } });
    const device = await path.enrol();
    for (let times = 0; times < 10; times++) expect((await path.login(device)).limit).toBeUndefined();
    expect(path.charged).toEqual([]);
  });
});

describe("precedence", () => {
  test.for([
    ["device_key", { deviceKey: "" }],
    ["timestamp", { timestamp: undefined }],
    ["device_signature", { deviceSignature: "zz" }],
  ] as const)("a malformed %s comes before clock_skew, and costs nothing", async ([field, mistake]) => {
    const path = openPath(fixture);
    lookUp.mockClear();
    const login = path.logIn({ ...request("device", { timestamp: STALE }), ...mistake }, callerAt());
    await expect(login).rejects.toMatchObject({ reason: "malformed", details: { field } });
    expect(path.charged).toEqual([]);
    expect(lookUp).not.toHaveBeenCalled();
  });

  test("clock_skew comes before a spent address limit and any look-up, and costs nothing", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    for (let times = 0; times < 6; times++) await caughtErrorOf(path.login(`unknown-${times}`));
    path.charged.length = 0;
    lookUp.mockClear();
    const error = await caughtErrorOf(path.login(device, { timestamp: STALE }));
    expect([error.reason, error.details]).toEqual(["clock_skew", { serverTime: SECONDS }]);
    expect(path.charged).toEqual([]);
    expect(lookUp).not.toHaveBeenCalled();
  });

  test("a spent login limit comes before replayed", async () => {
    const path = openPath(fixture);
    const device = await path.enrol({ replayGuard: true });
    for (const timestamp of [SECONDS, SECONDS + 1, SECONDS + 2]) await path.login(device, { timestamp });
    expect(await path.outcomes(1, device)).toEqual(["rate_limited (login)"]);
  });
});

test("an unknown device and a wrong signature have one error, the same charges and the same work", async () => {
  const path = openPath(fixture);
  const { customerId } = await fixture.registry.customers.create({ customerId: "" }, GATEWAY);
  const withoutKeys = await path.enrol({ customerId, keyMode: "derived" });
  const kinds = await path.enrolKinds();
  const devices = [...Object.values(kinds).flat(), withoutKeys];
  const message = "device_key is unknown or device_signature is not made with its customer key";
  await expectUnproven(fixture, devices, (device) => request(device, { key: "wrong" }), message);
});

test("the keys of a decoy, which stands in for an unknown device, prove nothing", async () => {
  const path = openPath(fixture);
  const device = await path.enrol();
  const credential = await fixture.store.credentials.find(device, NOW);
  lookUp.mockResolvedValueOnce({ ...credential, enrolled: false });
  expect(await path.outcomes(2, device)).toEqual(["invalid_credentials (failure)", "admitted"]);
});

test("a login without a signing key or without the registry is unavailable, and costs the device nothing", async () => {
  const unsigned = openPath(fixture, { signer: { ...fixture.signer, ready: () => false } });
  const error = await caughtErrorOf(unsigned.login(await unsigned.enrol()));
  expect([error.reason, error.details.retryAfterMs]).toEqual(["unavailable", 5_000]);
  expect(error.message).toBe("no key to sign tokens with. Try again later");
  const away = await shareFixture();
  const path = openPath(away);
  const device = await path.enrol();
  await away.close();
  expect(await path.outcomes(1, device)).toEqual(["unavailable"]);
  expect([unsigned.charged, path.charged]).toEqual([[], []]);
});

test.for(["an operator", "the flush after a login with its own key"] as const)(
  "a moving device logs in with either key until %s ends the move, and no login writes to the store",
  async (end) => {
    const path = openPath(fixture, { policies: { login: undefined } });
    const { customerId, customerKey } = await path.enrolOwner("derivation");
    await path.issue(customerId, "login", CUSTOMER_KEY);
    const device = await path.enrol({ customerId });
    const { devices } = fixture.registry;
    await devices.update(device, { keyMode: "derived", replayGuard: false }, "", GATEWAY);
    const own = { key: deriveDeviceKey(secretFromText(customerKey), device) };
    const before = await devices.get(device);
    const recorder = createActivityRecorder(fixture.store.activity, () => NOW);
    const logIn = recorder.watch(path.logIn);
    expect((await logIn(request(device), callerAt())).movingSince).toBeUndefined();
    expect((await logIn(request(device, own), callerAt())).movingSince).toBe(before.keyModeSince);
    expect(await path.outcomes(1, device)).toEqual(["admitted"]);
    expect(await devices.get(device)).toEqual(before);
    if (end === "an operator") await devices.update(device, { finishMove: true }, "", GATEWAY);
    else await recorder.flush();
    expect(await path.outcomes(1, device)).toEqual(["invalid_credentials (failure)"]);
    expect(await path.outcomes(1, device, own)).toEqual(["admitted"]);
  },
);
