// The contract of a Limiter (core/ports.ts), as one suite over injected time.

import { describe, expect, test } from "vitest";
import type { Charge, Limiter, Policy } from "../../src/core/ports.ts";
import { type Chargeable, compareWithModel, type Resolution, renderComparison } from "./limiter-model.ts";

/** Some instant, on no round number of a window. */
export const START = 1_764_000_000_123;
export const WINDOW = 60_000;
const SUB_WINDOW = Math.ceil(WINDOW / 64);

const login: Policy = { name: "login", limit: 10, windowMs: WINDOW };
const replay: Policy = { name: "replay", limit: 1, windowMs: WINDOW };
const large: Policy = { name: "address", limit: 300, windowMs: WINDOW };

/** One charge at each of the times, in order: the places of those that were admitted. */
export async function chargeTimes(
  limiter: Chargeable,
  policy: Policy,
  times: readonly number[],
  key = "k",
): Promise<number[]> {
  const verdicts = await Promise.all(times.map((now) => limiter.charge([{ policy, key }], now)));
  return verdicts.flatMap(({ denied }, place) => (denied === -1 ? [place] : []));
}

const places = (count: number): number[] => [...Array(count).keys()];
const fill = (count: number, at: number): number[] => Array<number>(count).fill(at);

type Contracted = Chargeable & Pick<Limiter, "peek">;

/** Runs the suite. Each limiter that `create` gives starts empty and counts by the caller's clock. */
export function limiterContract(
  name: string,
  create: () => Contracted,
  { operations, perMs }: { operations: number; perMs: Resolution },
): void {
  describe(`${name} as a Limiter`, () => {
    describeLimit(create);
    describeCharges(create);
    describeSteps(create);
    describeLargeLimit(create);

    test("agrees with the model on every verdict and state of random calls", { timeout: 60_000 }, async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const report = await compareWithModel(create(), { operations, seed, perMs });
      expect(report.differences, `seed ${seed}: ${renderComparison(report)}`).toBe(0);
      // A run in which little is decided either way would prove nothing.
      expect(Math.min(report.admitted, report.denied)).toBeGreaterThan(operations / 5);
      expect(report.stepsBackward).toBeGreaterThan(operations / 2_000);
    });
  });
}

function describeLimit(create: () => Contracted): void {
  test.for([START, START + 59_999])("admits exactly the limit at %s, and again a window later", async (now) => {
    const limiter = create();
    expect(await chargeTimes(limiter, login, fill(15, now))).toEqual(places(10));
    expect(await chargeTimes(limiter, login, fill(5, now + WINDOW - 1))).toEqual([]);
    expect(await chargeTimes(limiter, login, fill(15, now + WINDOW))).toEqual(places(10));
  });

  test("a look tells the same, and charges nothing", async () => {
    const limiter = create();
    const charge = { policy: { ...login, limit: 2 }, key: "k 192.0.2.1" };
    const look = (after: number) => limiter.peek(charge, START + after);
    expect(await look(0)).toEqual({ policy: charge.policy, remaining: 2, resetMs: 0 });
    await limiter.charge([charge], START);
    for (let times = 0; times < 3; times++) {
      expect(await look(10)).toEqual({ policy: charge.policy, remaining: 1, resetMs: WINDOW - 10 });
    }
    expect((await limiter.charge([charge], START + 20)).denied).toBe(-1);
    expect(await look(30)).toEqual({ policy: charge.policy, remaining: 0, resetMs: WINDOW - 30 });
    expect(await look(WINDOW + 20)).toMatchObject({ remaining: 2 });
  });

  test("tells what is left, and when the next slot is freed", async () => {
    const limiter = create();
    const policy = { ...login, limit: 2 };
    const states = [];
    for (const after of [0, 10, 40, WINDOW]) {
      const verdict = await limiter.charge([{ policy, key: "k" }], START + after);
      states.push([verdict.denied, verdict.states[0]?.remaining, verdict.states[0]?.resetMs]);
    }
    expect(states).toEqual([
      [-1, 1, WINDOW],
      [-1, 0, WINDOW - 10],
      [0, 0, WINDOW - 40],
      [-1, 0, 10],
    ]);
  });

  test.for([
    " ",
    "{tag}",
    "}",
    "ключ 🔑",
    "zero\0byte",
    "line\nfeed",
    '"\\{}',
    "2001:db8::/64 device",
    "k".repeat(300),
  ])("counts each key apart, however odd: %j", async (key) => {
    const limiter = create();
    await chargeTimes(limiter, replay, [START], key);
    for (const other of [`${key} `, `a${key}`, key.slice(0, -1), `${key.toUpperCase()}-${key}`]) {
      expect(await chargeTimes(limiter, replay, [START], other)).toEqual([0]);
    }
    expect(await chargeTimes(limiter, replay, [START], key)).toEqual([]);
  });

  test("a limit that changes holds at once, and goes on with what was admitted before", async () => {
    const limiter = create();
    await chargeTimes(limiter, login, fill(10, START));
    expect(await chargeTimes(limiter, { ...login, limit: 4 }, [START + 1])).toEqual([]);
    expect(await chargeTimes(limiter, { ...login, limit: 12 }, fill(3, START + 1))).toEqual([0, 1]);
    expect(await chargeTimes(limiter, { ...login, limit: 300 }, fill(300, START + 2))).toHaveLength(288);
    expect(await chargeTimes(limiter, login, [START + 3])).toEqual([]);
  });
}

function describeCharges(create: () => Chargeable): void {
  const both: readonly Charge[] = [login, replay].map((policy) => ({ policy, key: "k" }));

  test("admits the charges of a call together", async () => {
    expect(await create().charge(both, START)).toMatchObject({
      denied: -1,
      states: [
        { policy: login, remaining: 9, resetMs: WINDOW },
        { policy: replay, remaining: 0, resetMs: WINDOW },
      ],
    });
  });

  test("or none of them: a charge that is denied costs the other nothing", async () => {
    const limiter = create();
    await limiter.charge([{ policy: replay, key: "k" }], START);
    const { denied, states } = await limiter.charge(both, START);
    expect(denied).toBe(1);
    expect(states.map((state) => [state?.remaining, state?.resetMs])).toEqual([
      [10, 0],
      [0, WINDOW],
    ]);
  });

  test("names the first of several that are denied", async () => {
    const limiter = create();
    await chargeTimes(limiter, login, fill(10, START));
    await limiter.charge([{ policy: replay, key: "k" }], START);
    expect((await limiter.charge(both, START)).denied).toBe(0);
    expect((await limiter.charge(both.toReversed(), START)).denied).toBe(0);
  });
}

function describeSteps(create: () => Chargeable): void {
  test.for([1, 1_000, WINDOW, 3_600_000])(
    "a clock that steps %s ms backward admits no more, and locks out for one window at most",
    async (back) => {
      const limiter = create();
      await chargeTimes(limiter, login, fill(10, START));
      const { denied, states } = await limiter.charge([{ policy: login, key: "k" }], START - back);
      expect([denied, states[0]?.resetMs]).toEqual([0, WINDOW]);
      expect(await chargeTimes(limiter, login, [START - back + WINDOW - 1])).toEqual([]);
      expect(await chargeTimes(limiter, login, fill(11, START - back + WINDOW))).toEqual(places(10));
    },
  );
}

function describeLargeLimit(create: () => Chargeable): void {
  test("a limit over 256 admits all of a burst up to it, and again within a sub-window more than a window", async () => {
    const limiter = create();
    for (const start of [START, START + WINDOW + SUB_WINDOW]) {
      expect(await chargeTimes(limiter, large, fill(310, start))).toEqual(places(300));
      expect(await chargeTimes(limiter, large, [start + WINDOW - 1])).toEqual([]);
    }
  });

  test("more admissions at one instant than a count of two bytes holds", { timeout: 60_000 }, async () => {
    const limiter = create();
    const huge = { ...large, limit: 66_000 };
    expect(await chargeTimes(limiter, huge, fill(66_001, START))).toHaveLength(66_000);
    expect(await chargeTimes(limiter, huge, [START - 10_000])).toEqual([]);
  });
}
