// The limiter when its store is back: what the store is told before it is trusted.

import { describe, expect, test, vi } from "vitest";
import { createFallbackLimiter } from "../../../src/core/limiter/fallback.ts";
import type { Policy } from "../../../src/core/ports.ts";
import {
  ASIDE,
  admit,
  charge,
  DEADLINE,
  DEADLINE_MS,
  freezeTime,
  login,
  one,
  openGateway,
  openStore,
  PROBE,
  SETTLED,
  START,
} from "./fallback-gateway.ts";
import { createStoreModel } from "./store-model.ts";

freezeTime();

describe("when the store is back", () => {
  test("it is trusted within a second however much is decided alone meanwhile", async () => {
    const gateway = await openGateway(openStore());
    const many: Policy = { name: "address", limit: 1_000_000, windowMs: 60_000 };
    gateway.leave("silent");
    gateway.slow(5);
    const late = gateway.gateway.charge(one, Date.now());
    await vi.advanceTimersByTimeAsync(DEADLINE);
    expect((await late).denied).toBe(-1);
    gateway.comeBack();
    let decided = 0;
    for (let ms = 0; ms < 1_000 && gateway.heard.length < 2; ms++) {
      for (let turn = 0; turn < 4; turn++) {
        void gateway.gateway.charge([{ policy: many, key: `a${decided++}` }], Date.now());
      }
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(gateway.heard).toHaveLength(2);
    // What was decided alone in the very last turn was told too.
    await vi.advanceTimersByTimeAsync(100);
    const alone = gateway.decided.length;
    gateway.leave("refuses");
    gateway.comeBack();
    await vi.advanceTimersByTimeAsync(2 * PROBE);
    expect(alone).toBeGreaterThan(100);
    expect(gateway.heard.at(-1)).toBe("back: 0 logs");
  });

  test("what stands in the way of it is told when it is something else", async () => {
    const gateway = await openGateway(openStore());
    gateway.leave("refuses");
    await vi.advanceTimersByTimeAsync(3 * PROBE);
    expect(new Set(gateway.stillAway)).toEqual(new Set(["the connection is closed"]));
  });

  test("a store whose clock stepped backward is told, and locks nobody out for longer than a window", async () => {
    let step = 0;
    const store = createStoreModel(() => (Date.now() - step) * 1000);
    const gateway = await openGateway(store);
    expect(await admit(gateway, 10)).toBe(10);
    step = 7_200_000;
    await charge(gateway, [{ policy: login, key: "another" }]);
    gateway.leave("refuses");
    store.lose();
    expect(await admit(gateway, 1)).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await admit(gateway, 12)).toBe(10);
    gateway.comeBack();
    await vi.advanceTimersByTimeAsync(PROBE);
    expect(gateway.heard.at(-1)).toMatch(/^back/);
    expect(await admit(gateway, 1)).toBe(0);
  });

  test("a gateway that starts beside a store that has only just started does not trust it before the others have told it", async () => {
    const store = openStore();
    const first = await openGateway(store, { instances: 2 });
    expect(await admit(first, 10)).toBe(10);
    first.leave("refuses");
    store.lose();
    const newcomer = await openGateway(store, { instances: 2 });
    expect(newcomer.heard).toEqual([expect.stringMatching(/^away: Redis started a moment ago/)]);
    first.comeBack();
    await vi.advanceTimersByTimeAsync(2 * PROBE + SETTLED);
    expect([await newcomer.gateway.ping(), await admit(newcomer, 12)]).toEqual(["ok", 0]);
  });

  test("it is told what was decided without it before it is asked again", async () => {
    const store = openStore();
    const first = await openGateway(store);
    const second = await openGateway(store);
    first.leave("refuses");
    expect(await admit(first, 4)).toBe(4);
    expect(await admit(second, 3)).toBe(3);
    first.comeBack();
    await vi.advanceTimersByTimeAsync(PROBE);
    expect(first.heard.at(-1)).toBe("back: 1 logs");
    expect([await admit(second, 9), await admit(first, 9)]).toEqual([3, 0]);
  });

  test("one that lost everything is told everything, by all gateways, before it is trusted", async () => {
    const store = openStore();
    const gateways = await Promise.all([openGateway(store, { instances: 2 }), openGateway(store, { instances: 2 })]);
    const [first, second] = gateways;
    expect([await admit(first, 2), await admit(second, 4)]).toEqual([2, 4]);
    for (const gateway of gateways) gateway.leave("refuses");
    store.lose();
    expect([await admit(first, 9), await admit(second, 9)]).toEqual([3, 1]);
    for (const gateway of gateways) gateway.comeBack();
    await vi.advanceTimersByTimeAsync(PROBE);
    // It is there, and not trusted yet.
    expect(await first.gateway.ping()).toBe("degraded");
    await vi.advanceTimersByTimeAsync(SETTLED);
    expect([await first.gateway.ping(), await second.gateway.ping()]).toEqual(["ok", "ok"]);
    expect([await admit(first, 9), await admit(second, 9)]).toEqual([0, 0]);
  });

  test("one that is lost again before it is trusted is told again", async () => {
    const store = openStore();
    const gateway = await openGateway(store, { instances: 2 });
    expect(await admit(gateway, 7)).toBe(7);
    gateway.leave("refuses");
    store.lose();
    gateway.comeBack();
    await vi.advanceTimersByTimeAsync(PROBE + SETTLED / 2);
    gateway.leave("refuses");
    store.lose();
    gateway.comeBack();
    await vi.advanceTimersByTimeAsync(2 * PROBE + 2 * SETTLED);
    expect(gateway.heard).toHaveLength(2);
    expect(await admit(gateway, 9)).toBe(3);
  });

  test("a gateway that starts without it decides alone, and tells it", async () => {
    const store = openStore();
    const other = await openGateway(store);
    const way = store.createWay();
    way.leave("refuses");
    const gateway = createFallbackLimiter({
      limiter: way.limiter,
      reach: way.reach,
      whenAway: "local",
      instances: 1,
      deadlineMs: DEADLINE_MS,
      elapsed: () => Date.now() - START,
      startedAt: Date.now() + ASIDE,
      hearing: { changed: () => {}, stillAway: () => {}, decided: () => {} },
    });
    await gateway.open();
    for (let turn = 0; turn < 6; turn++) await gateway.charge(one, Date.now());
    way.comeBack();
    await vi.advanceTimersByTimeAsync(PROBE + SETTLED);
    expect(await gateway.ping()).toBe("ok");
    expect(await admit(other, 9)).toBe(4);
  });

  test("gateways that know nothing are not counted among those who told it", async () => {
    const store = openStore();
    const first = await openGateway(store, { instances: 3 });
    const second = await openGateway(store, { instances: 3 });
    expect(await admit(first, 10)).toBe(10);
    for (const gateway of [first, second]) gateway.leave("refuses");
    store.lose();
    // One that is started anew again and again.
    for (let start = 0; start < 3; start++) await openGateway(store, { instances: 3 });
    second.comeBack();
    await vi.advanceTimersByTimeAsync(PROBE + 100);
    first.comeBack();
    expect(await second.gateway.ping()).toBe("degraded");
    await vi.advanceTimersByTimeAsync(PROBE + SETTLED);
    expect([await second.gateway.ping(), await admit(second, 9)]).toEqual(["ok", 0]);
  });
});
