// The in-process limiter against the Limiter contract, and what it forgets.

import { expect, test } from "vitest";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import type { Policy } from "../../../src/core/ports.ts";
import { limiterContract } from "../../contracts/limiter.ts";

// The usual capacity is allocated at once, which takes longer than a test.
limiterContract("memory", () => createMemoryLimiter(10_000), { operations: 100_000, perMs: 1 });

test("past its capacity the limiter drops the key charged least recently", async () => {
  const policy: Policy = { name: "replay", limit: 1, windowMs: 60_000 };
  const limiter = createMemoryLimiter(2);
  const charge = (key: string): number => limiter.decide([{ policy, key }], 1_764_000_000_000).denied;
  expect(["a", "b", "c", "c", "b", "a"].map(charge)).toEqual([-1, -1, -1, 0, 0, -1]);
});
