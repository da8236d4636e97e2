// The limiter while its store is away: what each gateway decides, and what is asked and told meanwhile.

import { describe, expect, test, vi } from "vitest";
import type { Charge } from "../../../src/core/ports.ts";
import { refusalFrom } from "../refusal.ts";
import {
  admit,
  charge,
  DEADLINE,
  freezeTime,
  login,
  one,
  openGateway,
  openStore,
  PROBE,
  replay,
} from "./fallback-gateway.ts";

freezeTime();

describe("while the store is away", () => {
  test.for([
    { instances: 1, share: 10 },
    { instances: 3, share: 3 },
    { instances: 10, share: 1 },
    { instances: 50, share: 1 },
  ])("each of $instances gateways admits $share of ten in a window", async ({ instances, share }) => {
    const gateway = await openGateway(openStore(), { instances });
    gateway.leave("refuses");
    expect(await admit(gateway, 12)).toBe(share);
    const { denied, states } = await charge(gateway);
    expect(denied).toBe(0);
    expect(states).toEqual([{ policy: login, remaining: 0, resetMs: 60_000 }]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await admit(gateway, 12)).toBe(share);
  });

  test("what the store admitted through this gateway before counts, what it admitted through others does not", async () => {
    const store = openStore();
    const first = await openGateway(store, { instances: 2 });
    const second = await openGateway(store, { instances: 2 });
    expect(await admit(first, 3)).toBe(3);
    expect(await admit(second, 5)).toBe(5);
    for (const gateway of [first, second]) gateway.leave("refuses");
    expect([await admit(first, 9), await admit(second, 9)]).toEqual([2, 0]);
  });

  test("charges are admitted together or not at all, and the first that is denied is told", async () => {
    const gateway = await openGateway(openStore());
    gateway.leave("refuses");
    const both: readonly Charge[] = [...one, { policy: replay, key: "k 1" }];
    expect((await charge(gateway, both)).denied).toBe(-1);
    expect(await admit(gateway, 12, both)).toBe(0);
    expect((await charge(gateway, both)).denied).toBe(1);
    expect(await admit(gateway, 12)).toBe(9);
    expect((await charge(gateway, both)).denied).toBe(0);
  });

  test("a denial is known before the proof", async () => {
    const gateway = await openGateway(openStore());
    const address: Charge = { policy: { ...login, name: "address" }, key: "a" };
    gateway.leave("refuses");
    await admit(gateway, 9, [address]);
    await admit(gateway, 1, [address]);
  });

  test("`deny` refuses everything as unavailable", async () => {
    const gateway = await openGateway(openStore(), { whenAway: "deny" });
    gateway.leave("refuses");
    for (let turn = 0; turn < 2; turn++) {
      const refusal = await refusalFrom(charge(gateway));
      expect([refusal.reason, refusal.particulars]).toEqual(["unavailable", { retryAfterMs: 5_000 }]);
    }
    await expect(gateway.gateway.ping()).rejects.toThrow();
    expect(gateway.decided).toEqual(["refused", "refused"]);
  });

  test("`allow` admits everything, and tells the store of it", async () => {
    const gateway = await openGateway(openStore(), { whenAway: "allow" });
    gateway.leave("refuses");
    expect(await admit(gateway, 25)).toBe(25);
    gateway.comeBack();
    await vi.advanceTimersByTimeAsync(PROBE);
    expect(await admit(gateway, 1)).toBe(0);
    expect(gateway.heard).toEqual(["away: the connection was lost", "back: 1 logs"]);
  });

  test.for([
    ["allow", "admitted"],
    ["deny", "refused"],
  ] as const)("`%s` leaves no denial that was known before", async ([whenAway, outcome]) => {
    const gateway = await openGateway(openStore(), { whenAway });
    expect(await admit(gateway, 12)).toBe(10);
    gateway.leave("refuses");
    await charge(gateway).catch(() => {});
    expect(gateway.decided).toEqual([outcome]);
  });

  test("readiness is degraded, and a ping finds out that the store is away", async () => {
    const gateway = await openGateway(openStore());
    await expect(gateway.gateway.ping()).resolves.toBe("ok");
    gateway.leave("silent");
    const ping = gateway.gateway.ping();
    await vi.advanceTimersByTimeAsync(DEADLINE);
    await expect(ping).resolves.toBe("degraded");
    expect(gateway.heard).toEqual(["away: Redis did not answer in time"]);
  });

  test("nothing is asked of it but by a probe every 250 ms", async () => {
    const gateway = await openGateway(openStore());
    gateway.leave("unheard");
    const calls = Array.from({ length: 20 }, () => gateway.gateway.charge(one, Date.now()));
    await vi.advanceTimersByTimeAsync(DEADLINE);
    await Promise.all(calls);
    const before = gateway.asked();
    await admit(gateway, 100);
    expect(gateway.asked()).toBe(before);
    await vi.advanceTimersByTimeAsync(10 * PROBE);
    expect(gateway.asked() - before).toBeLessThanOrEqual(10);
  });

  test("a change is told once, whatever fails", async () => {
    const gateway = await openGateway(openStore());
    gateway.leave("refuses");
    await admit(gateway, 5);
    await vi.advanceTimersByTimeAsync(5_000);
    await admit(gateway, 5);
    gateway.leave("silent");
    await vi.advanceTimersByTimeAsync(5_000);
    gateway.comeBack();
    await vi.advanceTimersByTimeAsync(PROBE + DEADLINE);
    expect(gateway.heard).toEqual(["away: the connection was lost", "back: 1 logs"]);
  });
});
