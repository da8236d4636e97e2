// Devices that are moved from a shared key to one of their own: both prove a login until the first derived one.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { entryOf } from "../contracts/store-samples.ts";
import { CUSTOMER_KEY, callerAt, type House, openHouse, openPath, type Path, request, SECONDS } from "./login-path.ts";
import { refusalFrom } from "./refusal.ts";

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

/** A device that is on its way, and both of its keys. */
async function enrolMoving(path: Path): Promise<{ device: string; shared: string; own: string }> {
  const { customerId, customerKey } = await path.enrolOwner("derivation");
  await house.registry.customerKeys.issue({ customerId, purpose: "login", importedKey: CUSTOMER_KEY }, GATEWAY);
  const device = await path.enrol({ customerId });
  await house.registry.devices.update(device, { keyMode: "derived", replayGuard: false }, "", GATEWAY);
  return { device, shared: CUSTOMER_KEY, own: deriveDeviceKey(secretFromText(customerKey), device) };
}

describe("a device that is moving", () => {
  test("is let in by its shared key until its first derived login, and never after", async () => {
    const path = openPath(house, { policies: { login: undefined } });
    const { device, shared, own } = await enrolMoving(path);
    for (let times = 0; times < 3; times++) await path.login(device, { key: shared });
    await path.login(device, { key: own });
    expect((await refusalFrom(path.login(device, { key: shared }))).reason).toBe("invalid_credentials");
    await path.login(device, { key: own });
  });

  test("is refused its shared key by a gateway that found it before another let it in by its own", async () => {
    const [one, other] = [openPath(house), openPath(house)];
    const { device, shared, own } = await enrolMoving(one);
    await other.login(device, { key: shared });
    await one.login(device, { key: own });
    // The other has it in its cache as it was.
    expect((await refusalFrom(other.login(device, { key: shared }))).reason).toBe("invalid_credentials");
    expect(other.charged.at(-1)).toEqual(["failure", "address"]);
    await other.login(device, { key: own });
  });

  test("has settled before the answer", async () => {
    const path = openPath(house);
    const { device, own } = await enrolMoving(path);
    const before = await house.store.devices.find(device);
    await path.login(device, { key: own });
    const after = await house.store.devices.find(device);
    expect([before?.acceptsShared, after?.acceptsShared]).toEqual([true, false]);
    expect(after?.revision).toBe(Number(before?.revision) + 1);
  });

  test("is not let in by its own key before every gateway knows that it moves, and pays nothing for that", async () => {
    const path = openPath(house);
    const { device, shared, own } = await enrolMoving(path);
    await house.store.devices.update(device, (current) => ({
      next: { ...current, keyModeSince: path.now },
      entry: entryOf("UpdateDevice"),
    }));
    const refusal = await refusalFrom(path.login(device, { key: own }));
    expect([refusal.reason, refusal.particulars.retryAfterMs]).toEqual(["unavailable", 2_000]);
    expect(path.charged).toEqual([]);
    await path.login(device, { key: shared });
    path.now += 2_000;
    await path.login(device, { key: own });
    expect((await refusalFrom(path.login(device, { key: shared }))).reason).toBe("invalid_credentials");
  });

  test("is let in by its own key where a clock that was ahead has noted the move", async () => {
    const path = openPath(house);
    const { device, own } = await enrolMoving(path);
    await house.store.devices.update(device, (current) => ({
      next: { ...current, keyModeSince: path.now + 86_400_000 },
      entry: entryOf("UpdateDevice"),
    }));
    await path.login(device, { key: own });
  });

  test("is not settled by a login by its own key that is refused", async () => {
    const path = openPath(house);
    const { device, shared, own } = await enrolMoving(path);
    await house.registry.devices.update(device, { status: "disabled", replayGuard: true }, "", GATEWAY);
    expect((await refusalFrom(path.login(device, { key: own }))).reason).toBe("disabled");
    await house.registry.devices.update(device, { status: "enabled" }, "", GATEWAY);
    const other = openPath(house, { policies: { login: { name: "login", limit: 1, windowMs: 60_000 } } });
    await other.login(device, { key: shared });
    expect((await refusalFrom(other.login(device, { key: own, timestamp: SECONDS + 1 }))).reason).toBe("rate_limited");
    await openPath(house).login(device, { key: shared, timestamp: SECONDS + 2 });
    expect((await house.store.devices.find(device))?.acceptsShared).toBe(true);
  });

  test("leaves one audit event of it, however many logins come at once", async () => {
    const path = openPath(house, { policies: { login: undefined, address: undefined } });
    const { device, own } = await enrolMoving(path);
    await Promise.all(Array.from({ length: 20 }, () => path.login(device, { key: own })));
    const filter = `resource = "devices/${device}" AND action = "SettleDevice"`;
    const { items } = await house.registry.audit.list({ pageSize: 10, pageToken: "", filter });
    expect(items).toHaveLength(1);
    expect(items[0]?.details).toEqual({ accepts_shared_key: false });
  });

  test("is not settled by a wrong proof", async () => {
    const path = openPath(house);
    const { device, shared } = await enrolMoving(path);
    await refusalFrom(path.login(device, { key: "wrong" }));
    await path.login(device, { key: shared });
  });

  test("is let in by either of many proofs that race, and by the shared one never after a derived one was answered", async () => {
    const limits = { policies: { login: undefined, failure: undefined, address: undefined } };
    for (let round = 0; round < 20; round++) {
      const [one, other] = [openPath(house, limits), openPath(house, limits)];
      const { device, shared, own } = await enrolMoving(one);
      let settled = false;
      const byShared = async (path: Path): Promise<void> => {
        const late = settled;
        const outcome = await path.logIn(request(device, { key: shared, timestamp: SECONDS }), callerAt()).then(
          () => "in",
          () => "refused",
        );
        if (late) expect(outcome).toBe("refused");
      };
      const byOwn = async (path: Path): Promise<void> => {
        await path.login(device, { key: own });
        settled = true;
      };
      const calls = Array.from({ length: 30 }, (_, place) =>
        place === 10 ? byOwn(one) : byShared(place % 2 ? one : other),
      );
      await Promise.all(calls);
      await byShared(other);
    }
  });
});
