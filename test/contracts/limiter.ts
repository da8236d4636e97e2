// What every Limiter owes (core/ports.ts), as one suite over injected time.

import { describe, expect, test } from "vitest";
import type { Charge, Limiter, Policy } from "../../src/core/ports.ts";
import { chargeTimes, START, stateOf, WINDOW } from "./limiter-calls.ts";
import { describeChangedLimits } from "./limiter-changes.ts";
import { describeLargeLimits } from "./limiter-large.ts";
import { checkAgainstModel } from "./limiter-model.ts";

const login: Policy = { name: "login", limit: 10, windowMs: WINDOW };
const address: Policy = { name: "address", limit: 3, windowMs: WINDOW };
const replay: Policy = { name: "replay", limit: 1, windowMs: WINDOW };

const ODD_KEYS = [
  { kind: "a space", key: "a b" },
  { kind: "braces, which a cluster hashes by", key: "{tag}" },
  { kind: "beyond ASCII", key: "ключ 🔑" },
  { kind: "a zero byte", key: "zero\0byte" },
  { kind: "a line feed", key: "line\nfeed" },
  { kind: "quotes", key: '"\\{}' },
  { kind: "an IPv6 network", key: "2001:db8::/64 device" },
  { kind: "long", key: "k".repeat(300) },
];

/** Runs the suite; each limiter that `create` gives starts empty and counts by the caller's clock. */
export function limiterContract(name: string, create: () => Limiter): void {
  describe(`${name} as a Limiter`, () => {
    describeCounting(create);
    describeCharges(create);
    describeSteps(create);
    describeChangedLimits(create);
    describeLargeLimits(create);

    test("agrees with a plain model over thousands of random operations", () => checkAgainstModel(create));

    test("answers a ping", () => expect(create().ping()).resolves.toBe("ok"));
  });
}

function describeCounting(create: () => Limiter): void {
  test.for([START, START + 1, START + 30_123, START + 59_999])("admits exactly the limit at %s", async (now) => {
    const verdicts = await chargeTimes(create(), login, Array(15).fill(now));
    expect(verdicts).toEqual([...Array(10).fill("admitted"), ...Array(5).fill("denied")]);
  });

  test("admits exactly the limit in a window that starts anywhere", async () => {
    const limiter = create();
    // One a second: a fixed or halved window would forget the early ones at its edge.
    const times = Array.from({ length: 120 }, (_, second) => START + second * 1000);
    const verdicts = await chargeTimes(limiter, login, times);
    const admitted = times.filter((_, place) => verdicts[place] === "admitted");
    const seconds = [...Array(10).keys(), ...Array.from(Array(10).keys(), (second) => second + 60)];
    expect(admitted).toEqual(seconds.map((second) => START + second * 1000));
  });

  test("an admission exactly a window ago no longer counts, one a millisecond younger does", async () => {
    const limiter = create();
    await chargeTimes(limiter, login, Array(10).fill(START));
    expect(await chargeTimes(limiter, login, [START + WINDOW - 1, START + WINDOW])).toEqual(["denied", "admitted"]);
  });

  test("what is denied neither counts nor extends anything", async () => {
    const limiter = create();
    await chargeTimes(limiter, login, Array(10).fill(START));
    const flood = Array.from({ length: 59 }, (_, second) => START + (second + 1) * 1000);
    expect(await chargeTimes(limiter, login, flood)).not.toContain("admitted");
    const after = await chargeTimes(limiter, login, Array(11).fill(START + WINDOW));
    expect(after).toEqual([...Array(10).fill("admitted"), "denied"]);
  });

  test("remaining and resetMs are exact", async () => {
    const limiter = create();
    expect(await stateOf(limiter, address, START)).toEqual({ denied: -1, remaining: 2, resetMs: WINDOW });
    expect(await stateOf(limiter, address, START + 10)).toEqual({ denied: -1, remaining: 1, resetMs: WINDOW - 10 });
    expect(await stateOf(limiter, address, START + 30)).toEqual({ denied: -1, remaining: 0, resetMs: WINDOW - 30 });
    expect(await stateOf(limiter, address, START + 40)).toEqual({ denied: 0, remaining: 0, resetMs: WINDOW - 40 });
    // The first has left: the next to leave is the one at START + 10.
    expect(await stateOf(limiter, address, START + WINDOW)).toEqual({ denied: -1, remaining: 0, resetMs: 10 });
  });

  test.for(ODD_KEYS)("counts each key apart, however odd: $kind", async ({ key }) => {
    const limiter = create();
    await chargeTimes(limiter, replay, [START], key);
    for (const other of [`${key} `, ` ${key}`, key.slice(0, -1), key.toUpperCase() + key]) {
      expect(await chargeTimes(limiter, replay, [START], other)).toEqual(["admitted"]);
    }
    expect(await chargeTimes(limiter, replay, [START], key)).toEqual(["denied"]);
  });

  test("counts each policy apart under one key", async () => {
    const limiter = create();
    await chargeTimes(limiter, address, Array(4).fill(START));
    expect(await chargeTimes(limiter, login, [START])).toEqual(["admitted"]);
  });
}

function describeCharges(create: () => Limiter): void {
  const all: readonly Charge[] = [address, login, replay].map((policy) => ({ policy, key: "k" }));

  test("charges of one call are admitted together", async () => {
    const { denied, states } = await create().charge(all, START);
    expect(denied).toBe(-1);
    expect(states).toEqual([
      { policy: address, remaining: 2, resetMs: WINDOW },
      { policy: login, remaining: 9, resetMs: WINDOW },
      { policy: replay, remaining: 0, resetMs: WINDOW },
    ]);
  });

  test("or not at all: one that is denied costs the others nothing", async () => {
    const limiter = create();
    await limiter.charge([{ policy: replay, key: "k" }], START);
    const { denied, states } = await limiter.charge(all, START);
    expect(denied).toBe(2);
    expect(states.map((state) => state?.remaining)).toEqual([3, 10, 0]);
    expect(states.map((state) => state?.resetMs)).toEqual([0, 0, WINDOW]);
  });

  test("of several that are denied the first in the list is named", async () => {
    const limiter = create();
    await chargeTimes(limiter, address, Array(3).fill(START), "k");
    await limiter.charge([{ policy: replay, key: "k" }], START);
    expect((await limiter.charge(all, START)).denied).toBe(0);
    expect((await limiter.charge(all.toReversed(), START)).denied).toBe(0);
  });
}

function describeSteps(create: () => Limiter): void {
  test.for([1, 1_000, WINDOW, 3_600_000])("a clock that steps %s ms backward admits no more", async (back) => {
    const limiter = create();
    await chargeTimes(limiter, login, Array(10).fill(START));
    expect(await chargeTimes(limiter, login, [START - back])).toEqual(["denied"]);
    expect(await chargeTimes(limiter, login, [START - back + WINDOW - 1])).toEqual(["denied"]);
  });

  test.for([1, 1_000, WINDOW, 3_600_000])("nor does it lock out for longer than a window: %s ms", async (back) => {
    const limiter = create();
    await chargeTimes(limiter, login, Array(10).fill(START));
    const { states } = await limiter.charge([{ policy: login, key: "k" }], START - back);
    expect(states[0]?.resetMs).toBe(WINDOW);
    const after = await chargeTimes(limiter, login, Array(11).fill(START - back + WINDOW));
    expect(after).toEqual([...Array(10).fill("admitted"), "denied"]);
  });
}
