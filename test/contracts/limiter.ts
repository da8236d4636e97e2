// The contract of a Limiter (core/ports.ts), as one suite over injected time.

import { describe, expect, test } from "vitest";
import type { Policy } from "../../src/core/ports.ts";
import { type Chargeable, compareWithModel, type Resolution } from "./limiter-model.ts";

/** An instant that is not a multiple of a window. */
export const START = 1_764_000_000_123;
export const WINDOW = 60_000;

const login: Policy = { name: "login", limit: 10, windowMs: WINDOW };
const replay: Policy = { name: "replay", limit: 1, windowMs: WINDOW };

/** Charges once at each time, in order. @returns the indexes of the admitted charges */
export async function chargeTimes(
  limiter: Chargeable,
  policy: Policy,
  times: readonly number[],
  key = "k",
): Promise<number[]> {
  const verdicts = await Promise.all(times.map((now) => limiter.charge([{ policy, key }], now)));
  return verdicts.flatMap(({ denied }, index) => (denied === -1 ? [index] : []));
}

const fill = (count: number, at: number): number[] => Array<number>(count).fill(at);

/** Runs the suite. Each limiter that `create` gives starts empty and counts by the caller's clock. */
export function limiterContract(
  name: string,
  create: () => Chargeable,
  { operations, perMs }: { operations: number; perMs: Resolution },
): void {
  describe(`${name} as a Limiter`, () => {
    test("agrees with the model on every verdict and state of random calls", async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const { admitted, denied, stepsBackward } = await compareWithModel(create(), { operations, seed, perMs });
      // A run with few admissions or few denials would prove nothing.
      expect(Math.min(admitted, denied)).toBeGreaterThan(operations / 5);
      expect(stepsBackward).toBeGreaterThan(operations / 2_000);
    });

    test("a limit of 0 denies a call: its other charge is not counted, and only the state of that limit is read", async () => {
      const limiter = create();
      const charge = { policy: { ...login, limit: 2 }, key: "k 192.0.2.1" };
      const none = { policy: { ...replay, limit: 0 }, key: "k" };
      const look = async (after: number) => (await limiter.charge([charge, none], START + after)).states[0];
      expect(await look(0)).toEqual({ policy: charge.policy, remaining: 2, resetMs: 0 });
      await limiter.charge([charge], START);
      for (let times = 0; times < 3; times++) {
        expect(await look(10)).toEqual({ policy: charge.policy, remaining: 1, resetMs: WINDOW - 10 });
      }
    });

    const odd = [" ", "{tag}", "}", "ключ 🔑", "zero\0byte", "line\nfeed", '"\\{}', "2001:db8::/64 device"];
    test.for([...odd, "k".repeat(300)])("counts each key separately: %j", async (key) => {
      const limiter = create();
      await chargeTimes(limiter, replay, [START], key);
      for (const other of [`${key} `, `a${key}`, key.slice(0, -1), `${key.toUpperCase()}-${key}`]) {
        expect(await chargeTimes(limiter, replay, [START], other)).toEqual([0]);
      }
      expect(await chargeTimes(limiter, replay, [START], key)).toEqual([]);
    });

    test("admits more at one instant than two bytes can count", async () => {
      const limiter = create();
      const huge: Policy = { name: "address", limit: 66_000, windowMs: WINDOW };
      expect(await chargeTimes(limiter, huge, fill(66_001, START))).toHaveLength(66_000);
      expect(await chargeTimes(limiter, huge, [START - 10_000])).toEqual([]);
    });
  });
}
