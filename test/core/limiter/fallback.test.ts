// The limiter over a store that may be away, against a store that can be told how to be.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createFallbackLimiter, type FallbackLimiter } from "../../../src/core/limiter/fallback.ts";
import type { WhenAway } from "../../../src/core/limiter/when-away.ts";
import type { Charge, Policy, Verdict } from "../../../src/core/ports.ts";
import { refusalFrom } from "../refusal.ts";
import { createStoreModel, type StoreModel, type Way } from "./store-model.ts";

const START = 1_764_000_000_000;
const DEADLINE_MS = 25;
/** A deadline, and the turns that an answer is still waited for. */
const DEADLINE = DEADLINE_MS + 5;
/** No gateway dates anything at the microsecond of the store's commands. */
const ASIDE = 0.001;
/** Until the first probe, and until a store that lost everything is trusted. */
const PROBE = 250;
const SETTLED = 600;

beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => void vi.useRealTimers());

const login: Policy = { name: "login", limit: 10, windowMs: 60_000 };
const replay: Policy = { name: "replay", limit: 1, windowMs: 60_000 };
const one: readonly Charge[] = [{ policy: login, key: "k" }];

interface Gateway extends Way {
  readonly gateway: FallbackLimiter;
  readonly heard: string[];
  readonly stillAway: string[];
  readonly decided: string[];
}

const openStore = (): StoreModel => createStoreModel(() => Date.now() * 1000);

async function openGateway(
  store: StoreModel,
  { instances = 1, whenAway = "local" }: { instances?: number; whenAway?: WhenAway } = {},
): Promise<Gateway> {
  const way = store.createWay();
  const heard: string[] = [];
  const decided: string[] = [];
  const stillAway: string[] = [];
  const gateway = createFallbackLimiter({
    limiter: way.limiter,
    reach: way.reach,
    whenAway,
    instances,
    deadlineMs: DEADLINE_MS,
    elapsed: () => Date.now() - START,
    startedAt: Date.now() + ASIDE,
    hearing: {
      stillAway: ({ message }) => void stillAway.push(message),
      changed: (change) =>
        heard.push("away" in change ? `away: ${change.away.message}` : `back: ${change.back.logs} logs`),
      decided: (outcome) => decided.push(outcome),
    },
  });
  await gateway.open();
  return { ...way, gateway, heard, stillAway, decided };
}

async function charge({ gateway }: Gateway, charges = one): Promise<Verdict> {
  const call = gateway.charge(charges, Date.now());
  // A call that is refused in the test is looked at by the test.
  call.catch(() => {});
  await vi.advanceTimersByTimeAsync(0);
  return call;
}

/** How many of so many charges are admitted. */
async function admit(gateway: Gateway, times: number, charges = one): Promise<number> {
  let admitted = 0;
  for (let turn = 0; turn < times; turn++) if ((await charge(gateway, charges)).denied === -1) admitted++;
  return admitted;
}

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
    expect(gateway.gateway.peek(address, Date.now())).toBeUndefined();
    await admit(gateway, 1, [address]);
    expect(gateway.gateway.peek(address, Date.now())).toMatchObject({ remaining: 0, resetMs: 60_000 });
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
    expect(gateway.gateway.peek(one[0] ?? { policy: login, key: "k" }, Date.now())).toBeUndefined();
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
