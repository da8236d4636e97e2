// The short of `npm run fuzz`: the limiter in the process under random calls, and that the judge finds planted mistakes.

import { expect, test } from "vitest";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { fuzz, renderFuzz } from "../../contracts/limiter-fuzz.ts";
import type { Chargeable } from "../../contracts/limiter-model.ts";
import { plantTwoBuckets } from "../../contracts/limiter-plants.ts";

const NO_FAULTS = { "over-admission": 0, "false denial": 0, "wrong state": 0 };
const seed = Math.floor(Math.random() * 2 ** 31);

test("the limiter in the process is right about a hundred thousand random calls", { timeout: 60_000 }, async () => {
  const report = await fuzz(createMemoryLimiter(), { operations: 100_000, seed, grainMs: 1 });
  process.stdout.write(`memory, seed ${seed}: ${renderFuzz(report)}\n`);
  expect(report.faults, `seed ${seed}: ${renderFuzz(report)}`).toEqual(NO_FAULTS);
  // A run in which little is decided either way would prove nothing.
  expect(Math.min(report.admitted, report.denied)).toBeGreaterThan(20_000);
  expect(report.stepsBackward).toBeGreaterThan(100);
});

test("two buckets in its place are found out, both ways", async () => {
  const { faults, first } = await fuzz(plantTwoBuckets(), { operations: 20_000, seed, grainMs: 1 });
  process.stdout.write(`two buckets planted, seed ${seed}: ${JSON.stringify(faults)}\n`);
  expect(faults["over-admission"]).toBeGreaterThan(0);
  expect(faults["false denial"]).toBeGreaterThan(0);
  // The run that ends with the first fault has that one alone.
  const until = (first?.operation ?? 0) + 1;
  const again = await fuzz(plantTwoBuckets(), { operations: 20_000, seed, grainMs: 1, until });
  expect(again.first).toEqual(first);
  expect(Object.values(again.faults).reduce((sum, count) => sum + count)).toBe(1);
});

/** The limiter, but that it misreads every policy. */
function plant(misread: (limit: number, windowMs: number) => { limit: number; windowMs: number }): Chargeable {
  const limiter = createMemoryLimiter();
  return {
    charge: (charges, now) =>
      limiter.charge(
        charges.map(({ policy, key }) => ({ policy: { ...policy, ...misread(policy.limit, policy.windowMs) }, key })),
        now,
      ),
  };
}

test.for([
  { kind: "one admission too many", misread: (limit: number, windowMs: number) => ({ limit: limit + 1, windowMs }) },
  { kind: "a window too short by a millisecond", misread: shorten },
])("a limiter with $kind is found out to over-admit", async ({ misread }) => {
  const { faults } = await fuzz(plant(misread), { operations: 50_000, seed, grainMs: 1 });
  expect(faults["over-admission"]).toBeGreaterThan(0);
});

test.for([
  { kind: "one admission too few", misread: (limit: number, windowMs: number) => ({ limit: limit - 1, windowMs }) },
  { kind: "a window too long by a millisecond", misread: lengthen },
])("a limiter with $kind is found out to deny falsely", async ({ misread }) => {
  const { faults } = await fuzz(plant(misread), { operations: 50_000, seed, grainMs: 1 });
  expect(faults["false denial"]).toBeGreaterThan(0);
});

function shorten(limit: number, windowMs: number): { limit: number; windowMs: number } {
  return { limit, windowMs: windowMs - 1 };
}

function lengthen(limit: number, windowMs: number): { limit: number; windowMs: number } {
  return { limit, windowMs: windowMs + 1 };
}
