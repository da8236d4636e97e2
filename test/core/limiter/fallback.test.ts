// The fallback while Redis is away, slow, just started or back.

import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import type { Charge, Policy } from "../../../src/core/ports.ts";
import { openGateway, playSchedules } from "./bound.ts";

const WINDOW = 60_000;
const login: Policy = { name: "login", limit: 10, windowMs: WINDOW };
const replay: Policy = { name: "replay", limit: 1, windowMs: 10 * WINDOW };
const charges: readonly Charge[] = [{ policy: login, key: "pump" }];
/** With a charge that is always denied, the limit is only read. */
const look: readonly Charge[] = [...charges, { policy: { ...replay, limit: 0, windowMs: 1 }, key: "pump" }];

/** A gateway whose Redis has run for an hour. */
function openScene(options: Parameters<typeof openGateway>[2] = {}) {
  const redis = { limiter: createMemoryLimiter(10), startedAt: -3_600_000 };
  const gateway = openGateway(redis, Date.now, options);
  onTestFinished(() => gateway.limiter.close());
  const charge = (list = charges) => gateway.limiter.charge(list, Date.now());
  /** Makes `count` charges. @returns the number admitted */
  async function admit(count: number): Promise<number> {
    const verdicts = Array.from({ length: count }, () => charge());
    await vi.advanceTimersByTimeAsync(30);
    return (await Promise.all(verdicts)).filter(({ denied }) => denied === -1).length;
  }
  return Object.assign(gateway, { redis, charge, admit });
}

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  return () => vi.useRealTimers();
});

describe("while Redis is up", () => {
  test("Redis decides, and nothing is logged", async () => {
    const scene = openScene();
    expect(await scene.admit(12)).toBe(10);
    expect([scene.calls, scene.events, await scene.limiter.ping()]).toEqual([12, [], "ok"]);
  });

  test("a charge on a key that holds no log is decided locally, and Redis does not count as away", async () => {
    const scene = openScene();
    scene.answer = "holds no log";
    expect(await scene.admit(6)).toBe(5);
    expect(scene.events).toEqual([...Array(5).fill("admitted"), "denied"]);
  });
});

describe("while Redis is away", () => {
  test.for(["fails", "is silent"] as const)("each gateway admits its share while Redis %s", async (answer) => {
    const scene = openScene();
    scene.answer = answer;
    expect(await scene.admit(12)).toBe(5);
    expect(scene.events.filter((line) => line.startsWith("away"))).toHaveLength(1);
    // The states have the configured limit, not the share.
    expect(await scene.charge()).toMatchObject({ denied: 0, states: [{ policy: login, remaining: 0 }] });
    expect(await scene.limiter.ping()).toBe("degraded");
  });

  test("a share is at least one", async () => {
    const scene = openScene({ instances: 50 });
    scene.lose();
    expect(await scene.admit(3)).toBe(1);
  });

  test("reading a limit charges nothing, and shows the share that is left", async () => {
    const scene = openScene();
    await scene.admit(3);
    expect((await scene.charge(look)).states[0]).toMatchObject({ policy: login, remaining: 7 });
    scene.answer = "fails";
    for (let times = 0; times < 2; times++) {
      expect((await scene.charge(look)).states[0]).toMatchObject({ policy: login, remaining: 2 });
    }
  });

  test.for(["local", "allow", "deny"] as const)("reading a limit is not a decision: %s", async (mode) => {
    const { lose, charge, events } = openScene({ mode });
    lose();
    await charge(look).catch(() => {});
    expect(events).toEqual(["away: closed"]);
    await charge().catch(() => {});
    expect(events).toHaveLength(2);
  });

  test("Redis gets only a probe, four times a second, and is back when it answers", async () => {
    const scene = openScene();
    scene.answer = "fails";
    await scene.admit(1);
    const before = scene.calls;
    await scene.admit(20);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(scene.calls - before).toBeLessThanOrEqual(5);
    scene.answer = "decides";
    await vi.advanceTimersByTimeAsync(250);
    expect(scene.events.at(-1)).toBe("back");
    expect(await scene.admit(12)).toBe(10);
  });

  test("no charge waits for a lost connection, and a new one is probed at once", async () => {
    const scene = openScene();
    scene.lose();
    expect(await scene.admit(6)).toBe(5);
    expect(scene.calls).toBe(0);
    scene.reconnect();
    await vi.advanceTimersByTimeAsync(0);
    expect(scene.events.at(-1)).toBe("back");
  });

  test("`deny` answers unavailable, and is not ready", async () => {
    const scene = openScene({ mode: "deny" });
    scene.lose();
    await expect(scene.charge()).rejects.toMatchObject({ reason: "unavailable", details: { retryAfterMs: 5_000 } });
    await expect(scene.limiter.ping()).rejects.toThrow("cannot be checked");
    expect(scene.events.at(-1)).toBe("refused");
  });

  test("`allow` admits all, without limit headers", async () => {
    const scene = openScene({ mode: "allow" });
    scene.lose();
    expect(await scene.admit(50)).toBe(50);
    expect(await scene.charge()).toEqual({ denied: -1, states: [] });
  });
});

test("a Redis that has run for less than a charge's window may have lost admissions: charges are decided locally", async () => {
  const scene = openScene();
  scene.redis.startedAt = -WINDOW + 1_000;
  await scene.limiter.open();
  expect([scene.events, scene.calls]).toEqual([[], 1]);
  expect(await scene.admit(6)).toBe(5);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await scene.admit(12)).toBe(10);
  // The longest window of the call counts.
  const { calls } = scene;
  await scene.charge([...charges, { policy: replay, key: "pump 1764000000" }]);
  expect(scene.calls).toBe(calls);
});

test("a gateway that starts without Redis begins in the fallback", async () => {
  const scene = openScene();
  scene.isConnected = false;
  await scene.limiter.open();
  expect(scene.events).toEqual(["away: Redis is not connected"]);
});

test("no schedule of outages, flaps and restarts exceeds the bound", async () => {
  vi.useRealTimers();
  const { over, reached } = await playSchedules(300);
  expect(over).toBe(0);
  // The bound is tight: some schedule reaches it.
  expect(reached).toBeGreaterThan(0);
});
