// The path of a login: the order of its steps, and the cost of each answer.

import { importJWK, jwtVerify } from "jose";
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
    const [jwk] = fixture.ring.published();
    if (jwk === undefined) throw new TypeError("the ring does not publish its active key");
    const { payload } = await jwtVerify(login.token, await importJWK(jwk), { currentDate: new Date(NOW) });
    expect(payload).toMatchObject({ sub: device, customer_id: login.customerId, iat: SECONDS, exp: SECONDS + 600 });
  });

  test("reports which live key proved it", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    const { customerId, keyId } = await path.login(device);
    const draft = { customerId, purpose: "login", importedKey: "second" } as const;
    const second = await fixture.registry.customerKeys.issue(draft, GATEWAY);
    path.now += 2_000;
    expect((await path.login(device)).keyId).toBe(keyId);
    expect((await path.login(device, { key: "second" })).keyId).toBe(second.keyId);
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
  test("have one answer, in every detail, and the same charges", async () => {
    const [known, unknown] = [openPath(fixture), openPath(fixture)];
    const device = await known.enrol();
    const wrong = await caughtErrorOf(known.login(device, { key: "wrong" }));
    const stranger = await caughtErrorOf(unknown.login("nobody"));
    expect(wrong.reason).toBe("invalid_credentials");
    expect(wrong.message).toBe("device_key is unknown or device_signature is not made with its customer key");
    expect(wrong.details).toEqual({
      limit: { policy: policies.failure, remaining: 1, resetMs: 60_000, decidedAt: expect.any(Number) },
    });
    expect({ ...stranger, message: stranger.message }).toEqual({ ...wrong, message: wrong.message });
    expect(known.charged).toEqual([["failure", "address"]]);
    expect(unknown.charged).toEqual(known.charged);
  });

  test.for([
    { keyMode: "shared", owner: "login" },
    { keyMode: "derived", owner: "login" },
    { keyMode: "derived", owner: "derivation" },
  ] as const)("cost nine HMACs: a $keyMode device of a customer with a $owner key", async ({ keyMode, owner }) => {
    const path = openPath(fixture);
    const { customerId } = await path.enrolOwner(owner);
    const device = await path.enrol({ customerId, keyMode });
    for (const attempt of [request(device, { key: "wrong" }), request("nobody")]) {
      expect(await countHmacs(() => caughtErrorOf(path.logIn(attempt, callerAt())))).toBe(9);
    }
  });

  test("cost the same for a device of a customer without keys", async () => {
    const path = openPath(fixture);
    const device = await path.enrol({ keyMode: "derived" });
    const error = await caughtErrorOf(path.login(device));
    expect(error.reason).toBe("invalid_credentials");
  });
});

describe("unavailable", () => {
  test("costs the device nothing when there is no key to sign with", async () => {
    const path = openPath(fixture, { signer: { ...fixture.signer, ready: () => false } });
    const device = await path.enrol();
    const error = await caughtErrorOf(path.login(device));
    expect(error.reason).toBe("unavailable");
    expect(error.message).toBe("no key to sign tokens with. Try again later");
    expect(error.details.retryAfterMs).toBe(5_000);
    expect(path.charged).toEqual([]);
  });

  test("costs the device nothing when the registry is away", async () => {
    const away = await shareFixture();
    const path = openPath(away);
    const device = await path.enrol();
    await away.close();
    const error = await caughtErrorOf(path.login(device));
    expect(error.reason).toBe("unavailable");
    expect(path.charged).toEqual([]);
  });
});

describe("a device that moves from a shared key to its own", () => {
  /** Enrols a device during its move. @returns the device and both of its keys */
  async function enrolMoving(path: Path): Promise<{ device: string; shared: string; own: string }> {
    const { customerId, customerKey } = await path.enrolOwner("derivation");
    await fixture.registry.customerKeys.issue({ customerId, purpose: "login", importedKey: CUSTOMER_KEY }, GATEWAY);
    const device = await path.enrol({ customerId });
    await fixture.registry.devices.update(device, { keyMode: "derived", replayGuard: false }, "", GATEWAY);
    return { device, shared: CUSTOMER_KEY, own: deriveDeviceKey(secretFromText(customerKey), device) };
  }

  test("both keys prove its logins, and a login writes nothing", async () => {
    const path = openPath(fixture, { policies: { login: undefined } });
    const { device, shared, own } = await enrolMoving(path);
    const before = await fixture.store.devices.find(device);
    expect((await path.login(device, { key: shared })).movingSince).toBeUndefined();
    expect((await path.login(device, { key: own })).movingSince).toBe(before?.keyModeSince);
    await path.login(device, { key: shared });
    expect(await fixture.store.devices.find(device)).toEqual(before);
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

  test("the operator ends the move: the next login by the shared key fails", async () => {
    const path = openPath(fixture);
    const { device, shared, own } = await enrolMoving(path);
    await fixture.registry.devices.update(device, { finishMove: true }, "", GATEWAY);
    expect((await caughtErrorOf(path.login(device, { key: shared }))).reason).toBe("invalid_credentials");
    await path.login(device, { key: own, timestamp: SECONDS + 1 });
  });
});
