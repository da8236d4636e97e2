// Calls that a store does not answer in time, or cannot answer for one key.

import { describe, expect, test, vi } from "vitest";
import { admit, DEADLINE, freezeTime, login, one, openGateway, openStore, PROBE } from "./fallback-gateway.ts";

freezeTime();

describe("a call that is not answered in time", () => {
  test("is decided without the store, and never asked again", async () => {
    const gateway = await openGateway(openStore());
    gateway.leave("unheard");
    const before = gateway.asked();
    const call = gateway.gateway.charge(one, Date.now());
    await vi.advanceTimersByTimeAsync(DEADLINE);
    expect((await call).denied).toBe(-1);
    expect(gateway.asked() - before).toBe(1);
    gateway.comeBack();
    await vi.advanceTimersByTimeAsync(PROBE);
    // What it may have written and what was decided here both count: never more than the limit.
    expect(await admit(gateway, 12)).toBe(8);
  });

  test("counts once when the store says after all that it wrote it", async () => {
    const store = openStore();
    const gateway = await openGateway(store);
    gateway.leave("late");
    const call = gateway.gateway.charge(one, Date.now());
    await vi.advanceTimersByTimeAsync(DEADLINE);
    expect((await call).denied).toBe(-1);
    gateway.comeBack();
    await vi.advanceTimersByTimeAsync(PROBE);
    expect(await admit(gateway, 12)).toBe(9);
  });
});

test("a key that the store cannot read is decided alone, and the store is not away for it", async () => {
  const gateway = await openGateway(openStore());
  gateway.breakKey("odd");
  expect(await admit(gateway, 12, [{ policy: login, key: "odd" }])).toBe(10);
  expect(gateway.heard).toEqual([]);
  expect(await admit(gateway, 12)).toBe(10);
});

test("an answer that comes late dates nothing anew that was admitted since", async () => {
  const store = openStore();
  const gateway = await openGateway(store);
  gateway.leave("late");
  const late = gateway.gateway.charge(one, Date.now());
  await vi.advanceTimersByTimeAsync(DEADLINE);
  expect((await late).denied).toBe(-1);
  await vi.advanceTimersByTimeAsync(59_000);
  expect(await admit(gateway, 4)).toBe(4);
  gateway.comeBack();
  await vi.advanceTimersByTimeAsync(PROBE);
  // A window after the first one, the four are in it still.
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await admit(gateway, 12)).toBe(6);
});
