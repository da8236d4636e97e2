// The present state of a device's login limit.

import { expect, test } from "vitest";
import { createReadDeviceLimit } from "../../src/core/charges.ts";
import { createMemoryLimiter } from "../../src/core/limiter/memory.ts";
import type { Limiter, Policy } from "../../src/core/ports.ts";
import { ACTOR, NOW } from "../contracts/store-samples.ts";
import { DEVICE, openWithCustomer } from "./registry/open-registry.ts";

const login: Policy = { name: "login", limit: 10, windowMs: 60_000 };

async function open(limiter: Pick<Limiter, "charge"> = createMemoryLimiter(10)) {
  const { registry, store } = await openWithCustomer();
  const read = createReadDeviceLimit(store.credentials, limiter, login, () => NOW);
  return { registry, limiter, read };
}

test("a device has the gateway's limit, with its remaining logins", async () => {
  const { registry, limiter, read } = await open();
  await registry.devices.create(DEVICE, ACTOR);
  const unused = { policy: login, remaining: 10, resetMs: 0, decidedAt: NOW };
  expect(await read("pump-7", "")).toEqual({ limit: unused, perAddress: false });
  await limiter.charge([{ policy: login, key: "pump-7" }], NOW - 10);
  const used = { limit: { policy: login, remaining: 9, resetMs: 59_990, decidedAt: NOW }, perAddress: false };
  expect([await read("pump-7", "192.0.2.1"), await read("pump-7", "")]).toEqual([used, used]);
});

test("a device has its customer's own limit, counted per address for a shared identity", async () => {
  const { registry, limiter, read } = await open();
  await registry.devices.create({ ...DEVICE, sharedIdentity: true }, ACTOR);
  await registry.customers.update("acme", { loginLimit: "2/1s" }, "", ACTOR);
  const policy = { ...login, limit: 2, windowMs: 1_000 };
  await limiter.charge([{ policy, key: "pump-7 192.0.2.1" }], NOW);
  expect(await read("pump-7", "192.0.2.1")).toMatchObject({ limit: { policy, remaining: 1 }, perAddress: true });
  expect(await read("pump-7", "192.0.2.2")).toMatchObject({ limit: { policy, remaining: 2 }, perAddress: true });
  await registry.customers.update("acme", { loginLimit: "off" }, "", ACTOR);
  expect(await read("pump-7", "")).toMatchObject({ limit: undefined });
});

test("under `allow` without Redis there is no limit to show", async () => {
  const { registry, read } = await open({ charge: async () => ({ denied: -1, states: [] }) });
  await registry.devices.create(DEVICE, ACTOR);
  expect(await read("pump-7", "")).toMatchObject({ limit: undefined });
});

test("an unknown device has no limit to show", async () => {
  const { read } = await open();
  await expect(read("pump-7", "")).rejects.toMatchObject({ reason: "does_not_exist" });
  await expect(read("", "")).rejects.toMatchObject({ reason: "malformed" });
});
