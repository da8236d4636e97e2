// The limiter in the process, against the Limiter contract; and a proof that the contract's checker can fail.

import { expect, test } from "vitest";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import type { Limiter, Policy, Verdict } from "../../../src/core/ports.ts";
import { limiterContract } from "../../contracts/limiter.ts";
import { type Chargeable, checkAgainstModel } from "../../contracts/limiter-model.ts";
import { plantTwoBuckets } from "../../contracts/limiter-plants.ts";

// The customary half million keys are allocated at once, which takes longer than a test.
const createSmall = (): Limiter => createMemoryLimiter(1_000);

limiterContract("memory", createSmall);

const policy: Policy = { name: "replay", limit: 1, windowMs: 60_000 };

test("past its capacity the key least recently charged is forgotten, and no other", async () => {
  const limiter = createMemoryLimiter(2);
  const charge = (key: string): Promise<number> =>
    limiter.charge([{ policy, key }], 1_764_000_000_000).then(({ denied }) => denied);
  await charge("a");
  await charge("b");
  await charge("c");
  expect(await charge("c")).toBe(0);
  expect(await charge("b")).toBe(0);
  expect(await charge("a")).toBe(-1);
});

/** Forgets everything at the end of a fixed window. */
function createFixedWindowLimiter(): Chargeable {
  const exact = createSmall();
  return {
    charge: (charges, now) =>
      exact.charge(
        charges.map(({ policy, key }) => ({ policy, key: `${key} ${Math.floor(now / policy.windowMs)}` })),
        now,
      ),
  };
}

/** Right but for what it does when the clock steps backward: it believes the clock. */
function createTrustingLimiter(): Chargeable {
  let exact = createSmall();
  let latest = 0;
  return {
    charge(charges, now) {
      if (now < latest) exact = createSmall();
      latest = now;
      return exact.charge(charges, now);
    },
  };
}

test.for([
  { kind: "two buckets", create: plantTwoBuckets },
  { kind: "a fixed window", create: createFixedWindowLimiter },
  { kind: "trust in a clock that steps", create: createTrustingLimiter },
])("the checker catches a limiter with $kind, by its verdicts alone", async ({ create }) => {
  const verdictsAlone = { look: ({ denied }: Verdict) => denied };
  const failure = await checkAgainstModel(create, verdictsAlone).catch((error: unknown) => error);
  expect(failure).toMatchObject({ cause: { message: expect.stringMatching(/^operation \d+/) } });
});
