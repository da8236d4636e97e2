// Devices that move from a shared key to their own: both prove a login until the move is finished.

import { afterAll, beforeAll, expect, test } from "vitest";
import { createActivityRecorder } from "../../src/core/activity.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { caughtErrorOf } from "./caught-error.ts";
import {
  CUSTOMER_KEY,
  callerAt,
  type House,
  NOW,
  openHouse,
  openPath,
  type Path,
  request,
  SECONDS,
} from "./login-path.ts";

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

/** Enrols a device during its move. @returns it with both of its keys */
async function enrolMoving(path: Path): Promise<{ device: string; shared: string; own: string }> {
  const { customerId, customerKey } = await path.enrolOwner("derivation");
  await house.registry.customerKeys.issue({ customerId, purpose: "login", importedKey: CUSTOMER_KEY }, GATEWAY);
  const device = await path.enrol({ customerId });
  await house.registry.devices.update(device, { keyMode: "derived", replayGuard: false }, "", GATEWAY);
  return { device, shared: CUSTOMER_KEY, own: deriveDeviceKey(secretFromText(customerKey), device) };
}

test("both keys prove its logins, and a login writes nothing", async () => {
  const path = openPath(house, { policies: { login: undefined } });
  const { device, shared, own } = await enrolMoving(path);
  const before = await house.store.devices.find(device);
  expect((await path.login(device, { key: shared })).movingSince).toBeUndefined();
  expect((await path.login(device, { key: own })).movingSince).toBe(before?.keyModeSince);
  await path.login(device, { key: shared });
  expect(await house.store.devices.find(device)).toEqual(before);
});

test("the flush after a login by its own key ends the shared one, on every gateway", async () => {
  const [path, other] = [openPath(house), openPath(house)];
  const { device, shared, own } = await enrolMoving(path);
  const recorder = createActivityRecorder(house.store.activity, () => NOW);
  const logIn = recorder.watch(path.logIn);
  await logIn(request(device, { key: own }), callerAt());
  await logIn(request(device, { key: shared }), callerAt());
  await recorder.flush();
  expect((await caughtErrorOf(other.login(device, { key: shared }))).reason).toBe("invalid_credentials");
  await other.login(device, { key: own });
});

test("the operator ends the move: the next login by the shared key fails", async () => {
  const path = openPath(house);
  const { device, shared, own } = await enrolMoving(path);
  await house.registry.devices.update(device, { finishMove: true }, "", GATEWAY);
  expect((await caughtErrorOf(path.login(device, { key: shared }))).reason).toBe("invalid_credentials");
  await path.login(device, { key: own, timestamp: SECONDS + 1 });
});
