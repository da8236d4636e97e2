// Welch's t against what is known of it.

import { describe, expect, test } from "vitest";
import { describeSample, welchT } from "./welch.ts";

describe("a sample", () => {
  test("has its mean and its variance of n - 1", () => {
    expect(describeSample([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({ size: 8, mean: 5, variance: 32 / 7 });
  });

  test("keeps its digits far from zero", () => {
    expect(describeSample([1e9 + 1, 1e9 + 2, 1e9 + 3]).variance).toBeCloseTo(1, 6);
  });
});

describe("Welch's t", () => {
  test("is that of a worked example", () => {
    const one = describeSample([
      27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4,
    ]);
    const other = describeSample([
      27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.0,
    ]);
    const error = Math.sqrt(one.variance / 15 + other.variance / 15);
    expect(welchT(one, other)).toBeCloseTo((one.mean - other.mean) / error, 10);
    expect(welchT(one, other)).toBeCloseTo(-2.829, 3);
  });

  test("tells samples apart that are a tenth of their spread apart, once they are large enough", () => {
    const wave = (shift: number): number[] => Array.from({ length: 10_000 }, (_, place) => (place % 100) + shift);
    expect(Math.abs(welchT(describeSample(wave(0)), describeSample(wave(3))))).toBeGreaterThan(4.5);
    expect(welchT(describeSample(wave(0)), describeSample(wave(0)))).toBe(0);
  });
});
