// The replay guard of a login: the guarded devices, the duration, and the charges.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { caughtErrorOf } from "./caught-error.ts";
import { type House, NOW, openHouse, openPath, policies, SECONDS, SKEW } from "./login-path.ts";

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

describe("the replay guard", () => {
  test("accepts a proof once, and a replay is charged nothing", async () => {
    const path = openPath(house);
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
    const path = openPath(house);
    const device = await path.enrol({ replayGuard: true });
    const timestamp = SECONDS;
    path.now = NOW - SKEW;
    await path.login(device, { timestamp });
    path.now = NOW + SKEW;
    expect((await caughtErrorOf(path.login(device, { timestamp, address: "192.0.2.2" }))).reason).toBe("replayed");
    path.now += 1;
    expect((await caughtErrorOf(path.login(device, { timestamp }))).reason).toBe("clock_skew");
  });

  test("is off for a shared key: boards that sign in the same second are all right", async () => {
    const path = openPath(house);
    const device = await path.enrol();
    for (let times = 0; times < 3; times++) await path.login(device);
    expect(path.charged).toEqual(Array(3).fill(["login"]));
  });

  test("is on for a key of the device's own", async () => {
    const path = openPath(house);
    const { customerId, customerKey } = await path.enrolOwner("derivation");
    const device = await path.enrol({ customerId, keyMode: "derived" });
    const key = deriveDeviceKey(secretFromText(customerKey), device);
    await path.login(device, { key });
    expect((await caughtErrorOf(path.login(device, { key }))).reason).toBe("replayed");
    expect((await caughtErrorOf(path.login(device, { key: customerKey }))).reason).toBe("invalid_credentials");
  });

  test("a proof that was refused for another reason is still good", async () => {
    const path = openPath(house);
    const device = await path.enrol({ replayGuard: true });
    for (const timestamp of [SECONDS, SECONDS + 1, SECONDS + 2]) await path.login(device, { timestamp });
    await caughtErrorOf(path.login(device, { timestamp: SECONDS + 60 }));
    path.now += 60_000;
    await path.login(device, { timestamp: SECONDS + 60 });
  });
});
