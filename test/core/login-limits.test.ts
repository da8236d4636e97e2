// The limits of a login, its replay guard, and the charged keys.

import { describe, expect, test } from "vitest";
import { createReadDeviceLimit } from "../../src/core/charges.ts";
import type { Limiter } from "../../src/core/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { caughtErrorOf } from "./caught-error.ts";
import { NOW, openPath, type Path, policies, SECONDS, SKEW, shareFixture } from "./login-path.ts";

const fixture = await shareFixture();

const WRONG = { key: "wrong" };
const HERE = { address: "192.0.2.1" };
const ELSEWHERE = { address: "192.0.2.2" };

const ADMITTED = "admitted";
const INVALID = "invalid_credentials (failure)";
const NO_LOGIN_LEFT = "rate_limited (login)";
const NO_FAILURE_LEFT = "rate_limited (failure)";

describe("the login limit", () => {
  test("admits exactly its limit, then says how long to wait", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    // Boards that share a key send the same bytes within a second.
    for (const remaining of [2, 1, 0]) expect((await path.login(device)).limit?.remaining).toBe(remaining);
    path.now += 1_000;
    const limit = { policy: policies.login, remaining: 0, resetMs: 59_000, decidedAt: path.now };
    await expect(path.login(device)).rejects.toMatchObject({
      reason: "rate_limited",
      message:
        "too many logins of this device in this time frame. Keep the token for as long as it lives and wait for the seconds of retry-after",
      details: { limit, retryAfterMs: 59_000 },
    });
    path.now = NOW + 60_000;
    expect(await path.outcomes(1, device)).toEqual([ADMITTED]);
  });

  test.for([
    ["shared by all addresses of a device with its own identity", false, NO_LOGIN_LEFT],
    ["counted per address for a fleet that shares an identity", true, ADMITTED],
  ] as const)("is %s", async ([, sharedIdentity, elsewhere]) => {
    const path = openPath(fixture);
    const device = await path.enrol({ sharedIdentity });
    expect(await path.outcomes(4, device, HERE)).toEqual([ADMITTED, ADMITTED, ADMITTED, NO_LOGIN_LEFT]);
    expect(await path.outcomes(1, device, ELSEWHERE)).toEqual([elsewhere]);
  });
});

describe("the failure limit", () => {
  test.for([true, false])("replaces invalid_credentials: enrolled %s", async (isEnrolled) => {
    const path = openPath(fixture);
    const device = isEnrolled ? await path.enrol() : "nobody";
    expect(await path.outcomes(3, device, WRONG)).toEqual([INVALID, INVALID, NO_FAILURE_LEFT]);
    await expect(path.login(device, WRONG)).rejects.toThrow(
      "too many wrong signatures for this device from this address in this time frame. Check the customer key and wait for the seconds of retry-after",
    );
    expect(path.charged).toEqual(Array(4).fill(["failure", "address"]));
  });

  test("never denies a right proof, even from the same address, nor spends its login limit", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    await path.outcomes(20, device, WRONG);
    expect(await path.outcomes(3, device)).toEqual(Array(3).fill(ADMITTED));
    expect(path.charged.slice(-4)).toEqual([["failure", "address"], ...Array(3).fill(["login"])]);
  });

  test("is counted separately for each device and each address", async () => {
    const path = openPath(fixture);
    const [device, other] = [await path.enrol(), await path.enrol()];
    await path.outcomes(2, device, WRONG);
    expect(await path.outcomes(1, other, WRONG)).toEqual([INVALID]);
    expect(await path.outcomes(1, device, { ...WRONG, ...ELSEWHERE })).toEqual([INVALID]);
  });
});

test("the address limit counts only wrong proofs, of all devices behind one address, and denies no right one", async () => {
  const path = openPath(fixture);
  for (let device = 0; device < 3; device++) await path.outcomes(3, await path.enrol());
  for (let device = 0; device < 6; device++) expect(await path.outcomes(1, `unknown-${device}`)).toEqual([INVALID]);
  expect(await path.outcomes(1, "unknown-6")).toEqual(["rate_limited (address)"]);
  expect(await path.outcomes(1, await path.enrol())).toEqual([ADMITTED]);
  expect(await path.outcomes(1, "unknown-6", ELSEWHERE)).toEqual([INVALID]);
});

test.for([
  { who: "device", draft: { status: "disabled" } },
  { who: "customer", draft: { customerStatus: "disabled" } },
] as const)(
  "a right proof of a disabled $who gets `disabled` each time, and is charged as a wrong one",
  async ({ draft }) => {
    const path = openPath(fixture);
    const device = await path.enrol({ ...draft, replayGuard: true });
    await expect(path.login(device)).rejects.toThrow("this device or its customer is disabled. Ask the operator");
    expect(await path.outcomes(2, device)).toEqual(["disabled (failure)", NO_FAILURE_LEFT]);
    expect(path.charged).toEqual(Array(3).fill(["failure", "address"]));
    expect(await openPath(fixture).outcomes(1, device, WRONG)).toEqual([INVALID]);
  },
);

describe("the replay guard", () => {
  test("accepts a proof once, and a replay is charged nothing", async () => {
    const path = openPath(fixture);
    const device = await path.enrol({ replayGuard: true });
    await path.login(device);
    const { reason, message, details } = await caughtErrorOf(path.login(device));
    expect([reason, message]).toEqual(["replayed", "this proof was used before. Sign again with the current time"]);
    const limit = { policy: policies.login, remaining: 2, resetMs: 60_000, decidedAt: NOW };
    expect(details).toEqual({ limit });
    expect((await path.login(device, { timestamp: SECONDS + 1 })).limit?.remaining).toBe(1);
    expect(path.charged).toEqual(Array(3).fill(["login", "replay"]));
  });

  test("holds for as long as the proof is fresh, from any address", async () => {
    const path = openPath(fixture);
    const device = await path.enrol({ replayGuard: true });
    path.now = NOW - SKEW;
    await path.login(device);
    path.now = NOW + SKEW;
    expect(await path.outcomes(1, device, ELSEWHERE)).toEqual(["replayed (login)"]);
    path.now += 1;
    expect(await path.outcomes(1, device)).toEqual(["clock_skew"]);
  });

  test("is on for a key of the device's own", async () => {
    const path = openPath(fixture);
    const { customerId, customerKey } = await path.enrolOwner("derivation");
    const device = await path.enrol({ customerId, keyMode: "derived" });
    const key = deriveDeviceKey(secretFromText(customerKey), device);
    expect(await path.outcomes(2, device, { key })).toEqual([ADMITTED, "replayed (login)"]);
    expect(await path.outcomes(1, device, { key: customerKey })).toEqual([INVALID]);
  });

  test("a proof that was refused for another reason is still valid", async () => {
    const path = openPath(fixture);
    const device = await path.enrol({ replayGuard: true });
    for (const timestamp of [SECONDS, SECONDS + 1, SECONDS + 2]) await path.login(device, { timestamp });
    const later = { timestamp: SECONDS + 60 };
    expect(await path.outcomes(1, device, later)).toEqual([NO_LOGIN_LEFT]);
    path.now += 60_000;
    expect(await path.outcomes(1, device, later)).toEqual([ADMITTED]);
  });
});

describe("the present state of a device's login limit", () => {
  const readOn = (path: Path, limiter: Pick<Limiter, "charge"> = path.limiter) =>
    createReadDeviceLimit(fixture.store.credentials, limiter, policies.login, () => path.now);

  test("has its remaining logins, and is only read", async () => {
    const path = openPath(fixture);
    const read = readOn(path);
    const device = await path.enrol();
    const unused = { policy: policies.login, remaining: 3, resetMs: 0, decidedAt: NOW };
    expect(await read(device, "")).toEqual({ limit: unused, perAddress: false });
    await path.login(device);
    path.now += 10;
    const limit = { policy: policies.login, remaining: 2, resetMs: 59_990, decidedAt: NOW + 10 };
    for (const address of ["192.0.2.1", ""]) expect(await read(device, address)).toEqual({ limit, perAddress: false });
  });

  test("is per address for a shared identity, and undefined where no limit decides", async () => {
    const path = openPath(fixture);
    const read = readOn(path);
    const device = await path.enrol({ loginLimit: "2/1s", sharedIdentity: true });
    await path.login(device, HERE);
    expect(await read(device, HERE.address)).toMatchObject({ limit: { remaining: 1 }, perAddress: true });
    expect(await read(device, ELSEWHERE.address)).toMatchObject({ limit: { remaining: 2 }, perAddress: true });
    expect((await read(await path.enrol({ loginLimit: "off" }), "")).limit).toBeUndefined();
    // The limiter's answer under `allow` without Redis.
    const readAway = readOn(path, { charge: async () => ({ denied: -1, states: [] }) });
    expect((await readAway(device, HERE.address)).limit).toBeUndefined();
  });

  test("is an error for an unknown device", async () => {
    const read = readOn(openPath(fixture));
    await expect(read("nobody", "")).rejects.toMatchObject({ reason: "does_not_exist" });
    await expect(read("", "")).rejects.toMatchObject({ reason: "malformed" });
  });
});
