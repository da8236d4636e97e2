// The fallback while Redis is away, slow, just started or back: which limiter decides, and the listener's events.

import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import type { Charge, Policy } from "../../../src/core/ports.ts";
import { caughtErrorOf } from "../caught-error.ts";
import { openGateway, playSchedules } from "./bound.ts";

const WINDOW = 60_000;
const login: Policy = { name: "login", limit: 10, windowMs: WINDOW };
const replay: Policy = { name: "replay", limit: 1, windowMs: 10 * WINDOW };
const charges: readonly Charge[] = [{ policy: login, key: "pump" }];

/** A gateway whose Redis has run for an hour. */
function openScene(options: Parameters<typeof openGateway>[2] = {}) {
  const redis = { limiter: createMemoryLimiter(10), startedAt: -3_600_000 };
  const gateway = openGateway(redis, Date.now, options);
  const { limiter } = gateway;
  onTestFinished(() => limiter.close());
  /** Makes `count` charges. @returns the number admitted */
  async function admit(count: number): Promise<number> {
    const verdicts = Array.from({ length: count }, () => limiter.charge(charges, Date.now()));
    await vi.advanceTimersByTimeAsync(30);
    return (await Promise.all(verdicts)).filter(({ denied }) => denied === -1).length;
  }
  return Object.assign(gateway, { redis, admit });
}

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  return () => vi.useRealTimers();
});

describe("while Redis is up", () => {
  test("Redis decides, and nothing is logged", async () => {
    const scene = openScene();
    expect(await scene.admit(12)).toBe(10);
    expect([scene.asked, scene.events, await scene.limiter.ping()]).toEqual([12, [], "ok"]);
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
    const { denied, states } = await scene.limiter.charge(charges, 0);
    expect([denied, states[0]?.policy, states[0]?.remaining]).toEqual([0, login, 0]);
    expect(await scene.limiter.ping()).toBe("degraded");
  });

  test("reading a limit charges nothing, and shows the share that is left", async () => {
    const scene = openScene();
    const none = { policy: { ...replay, limit: 0, windowMs: 1 }, key: "pump" };
    const look = async () => (await scene.limiter.charge([...charges, none], Date.now())).states[0];
    await scene.admit(3);
    expect(await look()).toMatchObject({ policy: login, remaining: 7 });
    scene.answer = "fails";
    for (let times = 0; times < 2; times++) expect(await look()).toMatchObject({ policy: login, remaining: 2 });
  });

  test("Redis gets only a probe, four times a second, and is back when it answers", async () => {
    const scene = openScene();
    scene.answer = "fails";
    await scene.admit(1);
    const before = scene.asked;
    await scene.admit(20);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(scene.asked - before).toBeLessThanOrEqual(5);
    scene.answer = "decides";
    await vi.advanceTimersByTimeAsync(250);
    expect(scene.events.at(-1)).toBe("back");
    expect(await scene.admit(12)).toBe(10);
  });

  test("no charge waits for a lost connection, and a new one is probed at once", async () => {
    const scene = openScene();
    scene.lose();
    expect(await scene.admit(6)).toBe(5);
    expect(scene.asked).toBe(0);
    scene.reconnect();
    await vi.advanceTimersByTimeAsync(0);
    expect(scene.events.at(-1)).toBe("back");
  });

  test("a share is at least one", async () => {
    const scene = openScene({ instances: 50 });
    scene.lose();
    expect(await scene.admit(3)).toBe(1);
  });

  test("`deny` answers unavailable, and is not ready", async () => {
    const scene = openScene({ mode: "deny" });
    scene.lose();
    const error = await caughtErrorOf(scene.limiter.charge(charges, 0));
    expect([error.reason, error.details]).toEqual(["unavailable", { retryAfterMs: 5_000 }]);
    await expect(scene.limiter.ping()).rejects.toThrow("cannot be checked");
    expect(scene.events.at(-1)).toBe("refused");
  });

  test("`allow` admits all, without limit headers", async () => {
    const scene = openScene({ mode: "allow" });
    scene.lose();
    expect(await scene.admit(50)).toBe(50);
    expect(await scene.limiter.charge(charges, 0)).toEqual({ denied: -1, states: [] });
  });
});

describe("a Redis that has run for less than a charge's window", () => {
  test("may have lost admissions: charges are decided locally", async () => {
    const scene = openScene();
    scene.redis.startedAt = -WINDOW + 1_000;
    await scene.limiter.open();
    expect([scene.events, scene.asked]).toEqual([[], 1]);
    expect(await scene.admit(6)).toBe(5);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await scene.admit(12)).toBe(10);
  });

  test("is judged by the longest window of the call", async () => {
    const scene = openScene();
    scene.redis.startedAt = -WINDOW;
    const both = [...charges, { policy: replay, key: "pump 1764000000" }];
    await scene.limiter.charge(both, 0);
    expect([scene.events, scene.asked]).toEqual([["admitted"], 0]);
    await scene.limiter.charge(charges, 0);
    expect(scene.asked).toBe(1);
  });
});

test("a gateway that starts without Redis begins in the fallback", async () => {
  const scene = openScene();
  scene.isConnected = false;
  await scene.limiter.open();
  expect(scene.events).toEqual(["away: Redis is not connected"]);
});

describe("the model of the bound", () => {
  test("no schedule of outages, flaps and restarts exceeds the bound", async () => {
    vi.useRealTimers();
    const { over, reached } = await playSchedules(300);
    expect(over).toBe(0);
    // The bound is tight: some schedule reaches it.
    expect(reached).toBeGreaterThan(0);
  });
});

test.for(["local", "allow", "deny"] as const)(
  "reading a limit while Redis is away is not a decision: %s",
  async (mode) => {
    const { limiter, lose, events } = openScene({ mode });
    lose();
    const look = { policy: { ...replay, limit: 0 }, key: "pump" };
    await limiter.charge([...charges, look], 0).catch(() => {});
    expect(events).toEqual(["away: closed"]);
    await limiter.charge(charges, 0).catch(() => {});
    expect(events).toHaveLength(2);
  },
);
