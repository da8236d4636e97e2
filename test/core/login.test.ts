// The path of a login: the order of its steps, and the cost of each answer.

import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { createActivityRecorder } from "../../src/core/activity.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { caughtErrorOf } from "./caught-error.ts";
import {
  CUSTOMER_KEY,
  callerAt,
  countHmacs,
  NOW,
  openPath,
  type Path,
  policies,
  request,
  SECONDS,
  shareFixture,
} from "./login-path.ts";

const fixture = await shareFixture();

const STALE = SECONDS - 301;

/** Enrols a device during its move. @returns the device and both of its keys */
async function enrolMoving(path: Path): Promise<{ device: string; shared: string; own: string }> {
  const { customerId, customerKey } = await path.enrolOwner("derivation");
  await fixture.registry.customerKeys.issue({ customerId, purpose: "login", importedKey: CUSTOMER_KEY }, GATEWAY);
  const device = await path.enrol({ customerId });
  await fixture.registry.devices.update(device, { keyMode: "derived", replayGuard: false }, "", GATEWAY);
  return { device, shared: CUSTOMER_KEY, own: deriveDeviceKey(secretFromText(customerKey), device) };
}

describe("a right login", () => {
  test("is answered with a token of the device, and charges login", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    const login = await path.login(device);
    expect(path.charged).toEqual([["login"]]);
    expect(login.expiresInSeconds).toBe(600);
    expect(login.limit).toEqual({
      policy: policies.login,
      remaining: 2,
      resetMs: 60_000,
      decidedAt: expect.any(Number),
    });
    const { customerId } = login;
    expect(decodeJwt(login.token)).toMatchObject({ sub: device, customer_id: customerId, iat: SECONDS });
  });

  test("counts against its customer's own limit", async () => {
    const path = openPath(fixture);
    const [more, off] = [await path.enrol({ loginLimit: "5/60s" }), await path.enrol({ loginLimit: "off" })];
    expect((await path.login(more)).limit).toMatchObject({ policy: { name: "login", limit: 5, windowMs: 60_000 } });
    expect((await path.login(off)).limit).toBeUndefined();
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
  test("malformed comes before clock_skew, and costs nothing", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    const stale = request(device, { timestamp: STALE });
    for (const [field, mistake] of [
      ["device_key", { deviceKey: "" }],
      ["timestamp", { timestamp: undefined }],
      ["device_signature", { deviceSignature: "zz" }],
    ] as const) {
      const error = await caughtErrorOf(path.logIn({ ...stale, ...mistake }, callerAt()));
      expect([error.reason, error.details.field]).toEqual(["malformed", field]);
    }
    expect([path.charged, path.lookedUp]).toEqual([[], []]);
  });

  test("clock_skew comes before a spent address and any look-up, and costs nothing", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    for (let times = 0; times < 6; times++) await caughtErrorOf(path.login(`unknown-${times}`));
    path.charged.length = 0;
    path.lookedUp.length = 0;
    const error = await caughtErrorOf(path.login(device, { timestamp: STALE }));
    expect(error.reason).toBe("clock_skew");
    expect(error.details).toEqual({ serverTime: SECONDS });
    expect([path.charged, path.lookedUp]).toEqual([[], []]);
  });

  test("login comes before replayed", async () => {
    const path = openPath(fixture);
    const device = await path.enrol({ replayGuard: true });
    for (const timestamp of [SECONDS, SECONDS + 1, SECONDS + 2]) await path.login(device, { timestamp });
    const error = await caughtErrorOf(path.login(device, { timestamp: SECONDS }));
    expect([error.reason, error.details.limit?.policy.name]).toEqual(["rate_limited", "login"]);
  });
});

describe("an unknown device and a wrong signature", () => {
  test("have one answer, in every detail, and the same charges, whatever the device", async () => {
    const path = openPath(fixture);
    const { customerId } = await path.enrolOwner("derivation");
    const message = "device_key is unknown or device_signature is not made with its customer key";
    const limit = { policy: policies.failure, remaining: 1, resetMs: 60_000, decidedAt: expect.any(Number) };
    for (const device of [
      "nobody",
      await path.enrol(),
      await path.enrol({ status: "disabled" }),
      await path.enrol({ customerId, keyMode: "derived" }),
    ]) {
      const attempt = openPath(fixture);
      const error = await caughtErrorOf(attempt.login(device, { key: "wrong" }));
      expect({ ...error, message: error.message }).toEqual({
        name: "AuthError",
        reason: "invalid_credentials",
        message,
        details: { limit },
      });
      expect(attempt.charged).toEqual([["failure", "address"]]);
    }
  });

  test("cost nine HMACs, whatever the device", async () => {
    const path = openPath(fixture);
    const [login, derivation] = [await path.enrolOwner("login"), await path.enrolOwner("derivation")];
    const { customerId } = await fixture.registry.customers.create({ customerId: "" }, GATEWAY);
    const devices = [
      "nobody",
      await path.enrol({ customerId, keyMode: "derived" }),
      await path.enrol({ customerId: login.customerId }),
      await path.enrol({ customerId: derivation.customerId, keyMode: "derived" }),
      (await enrolMoving(path)).device,
    ];
    for (const device of devices) {
      const attempt = request(device, { key: "wrong" });
      let error: unknown;
      const logIn = async () => (error = await caughtErrorOf(path.logIn(attempt, callerAt())));
      expect(await countHmacs(logIn)).toBe(9);
      expect(error).toMatchObject({ reason: "invalid_credentials" });
    }
  });
});

test("without a key to sign with, or the registry, a login is unavailable and costs the device nothing", async () => {
  const unsigned = openPath(fixture, { signer: { ...fixture.signer, ready: () => false } });
  const error = await caughtErrorOf(unsigned.login(await unsigned.enrol()));
  expect([error.reason, error.details.retryAfterMs]).toEqual(["unavailable", 5_000]);
  expect(error.message).toBe("no key to sign tokens with. Try again later");
  const away = await shareFixture();
  const path = openPath(away);
  const device = await path.enrol();
  await away.close();
  expect((await caughtErrorOf(path.login(device))).reason).toBe("unavailable");
  expect([unsigned.charged, path.charged]).toEqual([[], []]);
});

describe("a device that moves from a shared key to its own", () => {
  test("both keys prove its logins until the operator ends the move, and a login writes nothing", async () => {
    const path = openPath(fixture, { policies: { login: undefined } });
    const { device, shared, own } = await enrolMoving(path);
    const before = await fixture.store.devices.find(device);
    expect((await path.login(device, { key: shared })).movingSince).toBeUndefined();
    expect((await path.login(device, { key: own })).movingSince).toBe(before?.keyModeSince);
    await path.login(device, { key: shared });
    expect(await fixture.store.devices.find(device)).toEqual(before);
    await fixture.registry.devices.update(device, { finishMove: true }, "", GATEWAY);
    expect((await caughtErrorOf(path.login(device, { key: shared }))).reason).toBe("invalid_credentials");
  });

  test("the flush after a login with its own key ends the shared one, on every gateway", async () => {
    const [path, other] = [openPath(fixture), openPath(fixture)];
    const { device, shared, own } = await enrolMoving(path);
    const recorder = createActivityRecorder(fixture.store.activity, () => NOW);
    const logIn = recorder.watch(path.logIn);
    await logIn(request(device, { key: own }), callerAt());
    await logIn(request(device, { key: shared }), callerAt());
    await recorder.flush();
    expect((await caughtErrorOf(other.login(device, { key: shared }))).reason).toBe("invalid_credentials");
    await other.login(device, { key: own });
  });
});
