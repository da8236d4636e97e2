// The in-process limiter against the Limiter contract, and the contract's comparison against planted bugs.

import { expect, test } from "vitest";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import type { Charge, Policy } from "../../../src/core/ports.ts";
import { limiterContract } from "../../contracts/limiter.ts";
import { compareWithModel } from "../../contracts/limiter-model.ts";

// The usual capacity is allocated at once, which takes longer than a test.
limiterContract("memory", () => createMemoryLimiter(10_000), { operations: 100_000, perMs: 1 });

test("past its capacity the limiter drops the key charged least recently", async () => {
  const policy: Policy = { name: "replay", limit: 1, windowMs: 60_000 };
  const limiter = createMemoryLimiter(2);
  const charge = (key: string): number => limiter.decide([{ policy, key }], 1_764_000_000_000).denied;
  expect(["a", "b", "c", "c", "b", "a"].map(charge)).toEqual([-1, -1, -1, 0, 0, -1]);
});

test.for([
  ["an admission too many", { limit: 1, windowMs: 0 }],
  ["a window that is a millisecond short", { limit: 0, windowMs: -1 }],
  ["a window that is a millisecond long", { limit: 0, windowMs: 1 }],
] as const)("the comparison finds %s", async ([, planted]) => {
  const limiter = createMemoryLimiter(10_000);
  const change = ({ policy: { name, limit, windowMs }, key }: Charge): Charge => ({
    policy: { name, limit: limit + planted.limit, windowMs: windowMs + planted.windowMs },
    key,
  });
  const wrong = { charge: (charges: readonly Charge[], now: number) => limiter.charge(charges.map(change), now) };
  const { differences } = await compareWithModel(wrong, { operations: 20_000, seed: 7, perMs: 1 });
  expect(differences).toBeGreaterThan(0);
});
