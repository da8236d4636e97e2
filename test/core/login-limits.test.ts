// The limits of a login and its replay guard: the charged keys, and that nobody can use up another's limit.

import { describe, expect, test } from "vitest";
import { createReadDeviceLimit } from "../../src/core/charges.ts";
import type { AuthError } from "../../src/core/errors.ts";
import type { Limiter } from "../../src/core/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { caughtErrorOf } from "./caught-error.ts";
import { NOW, openPath, type Path, policies, SECONDS, SKEW, shareFixture } from "./login-path.ts";

const fixture = await shareFixture();

const decidedBy = ({ reason, details }: AuthError): unknown[] => [reason, details.limit?.policy.name];
const decisionOf = async (login: Promise<unknown>): Promise<unknown[]> => decidedBy(await caughtErrorOf(login));

describe("the login limit", () => {
  test("admits exactly its limit, then says how long to wait", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    const remaining = [];
    for (let times = 0; times < 3; times++) remaining.push((await path.login(device)).limit?.remaining);
    expect(remaining).toEqual([2, 1, 0]);
    path.now += 1_000;
    const error = await caughtErrorOf(path.login(device));
    expect(decidedBy(error)).toEqual(["rate_limited", "login"]);
    expect(error.message).toBe(
      "too many logins of this device in this time frame. Keep the token for as long as it lives and wait for the seconds of retry-after",
    );
    expect(error.details.limit).toEqual({
      policy: policies.login,
      remaining: 0,
      resetMs: 59_000,
      decidedAt: expect.any(Number),
    });
    expect(error.details.retryAfterMs).toBe(59_000);
    path.now = NOW + 60_000;
    await path.login(device);
  });

  test.for([
    ["shared by all addresses of a device with its own identity", false],
    ["counted per address for a fleet that shares an identity", true],
  ] as const)("is %s", async ([, sharedIdentity]) => {
    const path = openPath(fixture);
    const device = await path.enrol({ sharedIdentity });
    for (let times = 0; times < 3; times++) await path.login(device, { address: "192.0.2.1" });
    expect(await decisionOf(path.login(device, { address: "192.0.2.1" }))).toEqual(["rate_limited", "login"]);
    const elsewhere = path.login(device, { address: "192.0.2.2" });
    if (sharedIdentity) await elsewhere;
    else expect(await decisionOf(elsewhere)).toEqual(["rate_limited", "login"]);
  });
});

describe("the failure limit", () => {
  test.for([true, false])("replaces invalid_credentials: enrolled %s", async (isEnrolled) => {
    const path = openPath(fixture);
    const device = isEnrolled ? await path.enrol() : "nobody";
    for (let times = 0; times < 2; times++) {
      expect(await decisionOf(path.login(device, { key: "wrong" }))).toEqual(["invalid_credentials", "failure"]);
    }
    const error = await caughtErrorOf(path.login(device, { key: "wrong" }));
    expect(decidedBy(error)).toEqual(["rate_limited", "failure"]);
    expect(error.message).toBe(
      "too many wrong signatures for this device from this address in this time frame. Check the customer key and wait for the seconds of retry-after",
    );
    expect(path.charged).toEqual(Array(3).fill(["failure", "address"]));
  });

  test("never denies a right proof, even from the same address, nor spends its login limit", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    for (let times = 0; times < 20; times++) await caughtErrorOf(path.login(device, { key: "wrong" }));
    for (let times = 0; times < 3; times++) await path.login(device);
    expect(path.charged.slice(-4)).toEqual([["failure", "address"], ...Array(3).fill(["login"])]);
  });

  test("is counted separately for each device and each address", async () => {
    const path = openPath(fixture);
    const [device, other] = [await path.enrol(), await path.enrol()];
    for (let times = 0; times < 2; times++) await caughtErrorOf(path.login(device, { key: "wrong" }));
    expect((await caughtErrorOf(path.login(other, { key: "wrong" }))).reason).toBe("invalid_credentials");
    const elsewhere = { key: "wrong", address: "192.0.2.2" };
    expect((await caughtErrorOf(path.login(device, elsewhere))).reason).toBe("invalid_credentials");
  });
});

describe("the address limit", () => {
  test("counts only wrong proofs, of all devices behind one address, and denies no right one", async () => {
    const path = openPath(fixture);
    const devices = [await path.enrol(), await path.enrol(), await path.enrol()];
    for (const device of devices) for (let times = 0; times < 3; times++) await path.login(device);
    for (let times = 0; times < 6; times++) {
      expect(await decisionOf(path.login(`unknown-${times}`))).toEqual(["invalid_credentials", "failure"]);
    }
    expect(await decisionOf(path.login("unknown-6"))).toEqual(["rate_limited", "address"]);
    await path.login(await path.enrol());
    const elsewhere = path.login("unknown-6", { address: "192.0.2.2" });
    expect(await decisionOf(elsewhere)).toEqual(["invalid_credentials", "failure"]);
  });
});

describe("a disabled device", () => {
  test.for([
    { who: "the device", draft: { status: "disabled" } },
    { who: "its customer", draft: { customerStatus: "disabled" } },
  ] as const)("gets `disabled` only for a right proof, and is charged as for a wrong one: $who", async ({ draft }) => {
    const path = openPath(fixture);
    const device = await path.enrol(draft);
    const error = await caughtErrorOf(path.login(device));
    expect(decidedBy(error)).toEqual(["disabled", "failure"]);
    expect(error.message).toBe("this device or its customer is disabled. Ask the operator");
    expect((await caughtErrorOf(path.login(device, { key: "wrong" }))).reason).toBe("invalid_credentials");
    expect(path.charged).toEqual(Array(2).fill(["failure", "address"]));
    expect(await decisionOf(path.login(device))).toEqual(["rate_limited", "failure"]);
  });

  test("comes before the replay guard, each time", async () => {
    const path = openPath(fixture);
    const device = await path.enrol({ status: "disabled", replayGuard: true });
    for (let times = 0; times < 2; times++) expect((await caughtErrorOf(path.login(device))).reason).toBe("disabled");
  });
});

describe("the replay guard", () => {
  test("accepts a proof once, and a replay is charged nothing", async () => {
    const path = openPath(fixture);
    const device = await path.enrol({ replayGuard: true });
    await path.login(device);
    const error = await caughtErrorOf(path.login(device));
    expect(error.reason).toBe("replayed");
    expect(error.message).toBe("this proof was used before. Sign again with the current time");
    expect(error.details).toEqual({
      limit: { policy: policies.login, remaining: 2, resetMs: 60_000, decidedAt: expect.any(Number) },
    });
    expect((await path.login(device, { timestamp: SECONDS + 1 })).limit?.remaining).toBe(1);
    expect(path.charged).toEqual(Array(3).fill(["login", "replay"]));
  });

  test("holds for as long as the proof is fresh, from any address", async () => {
    const path = openPath(fixture);
    const device = await path.enrol({ replayGuard: true });
    const timestamp = SECONDS;
    path.now = NOW - SKEW;
    await path.login(device, { timestamp });
    path.now = NOW + SKEW;
    expect((await caughtErrorOf(path.login(device, { timestamp, address: "192.0.2.2" }))).reason).toBe("replayed");
    path.now += 1;
    expect((await caughtErrorOf(path.login(device, { timestamp }))).reason).toBe("clock_skew");
  });

  test("is off for a shared key: boards that sign in the same second are all admitted", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    for (let times = 0; times < 3; times++) await path.login(device);
    expect(path.charged).toEqual(Array(3).fill(["login"]));
  });

  test("is on for a key of the device's own", async () => {
    const path = openPath(fixture);
    const { customerId, customerKey } = await path.enrolOwner("derivation");
    const device = await path.enrol({ customerId, keyMode: "derived" });
    const key = deriveDeviceKey(secretFromText(customerKey), device);
    await path.login(device, { key });
    expect((await caughtErrorOf(path.login(device, { key }))).reason).toBe("replayed");
    expect((await caughtErrorOf(path.login(device, { key: customerKey }))).reason).toBe("invalid_credentials");
  });

  test("a proof that was refused for another reason is still valid", async () => {
    const path = openPath(fixture);
    const device = await path.enrol({ replayGuard: true });
    for (const timestamp of [SECONDS, SECONDS + 1, SECONDS + 2]) await path.login(device, { timestamp });
    await caughtErrorOf(path.login(device, { timestamp: SECONDS + 60 }));
    path.now += 60_000;
    await path.login(device, { timestamp: SECONDS + 60 });
  });
});

describe("the present state of a device's login limit", () => {
  const readAt = (path: Path, limiter: Pick<Limiter, "charge"> = path.limiter) =>
    createReadDeviceLimit(fixture.store.credentials, limiter, policies.login, () => path.now);

  test("has its remaining logins, and is only read", async () => {
    const path = openPath(fixture);
    const read = readAt(path);
    const device = await path.enrol();
    const unused = { policy: policies.login, remaining: 3, resetMs: 0, decidedAt: NOW };
    expect(await read(device, "")).toEqual({ limit: unused, perAddress: false });
    await path.login(device);
    path.now += 10;
    const limit = { policy: policies.login, remaining: 2, resetMs: 59_990, decidedAt: NOW + 10 };
    for (const address of ["192.0.2.1", ""]) expect(await read(device, address)).toEqual({ limit, perAddress: false });
  });

  test("is by its customer's own limit, per address for a shared identity", async () => {
    const path = openPath(fixture);
    const read = readAt(path);
    const device = await path.enrol({ loginLimit: "2/1s", sharedIdentity: true });
    await path.login(device, { address: "192.0.2.1" });
    expect(await read(device, "192.0.2.1")).toMatchObject({ limit: { remaining: 1 }, perAddress: true });
    expect(await read(device, "192.0.2.2")).toMatchObject({ limit: { remaining: 2 }, perAddress: true });
    expect((await read(await path.enrol({ loginLimit: "off" }), "")).limit).toBeUndefined();
  });

  test("is undefined under `allow` without Redis, and an error for an unknown device", async () => {
    const path = openPath(fixture);
    const allow = { charge: async () => ({ denied: -1, states: [] }) };
    expect((await readAt(path, allow)(await path.enrol(), "")).limit).toBeUndefined();
    await expect(readAt(path)("nobody", "")).rejects.toMatchObject({ reason: "does_not_exist" });
    await expect(readAt(path)("", "")).rejects.toMatchObject({ reason: "malformed" });
  });
});
