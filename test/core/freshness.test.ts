// timestamp: its shape, every mistake by its name, and how far from now it may be.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkFresh, readTimestamp } from "../../src/core/freshness.ts";
import { expectHarmless, refusalOf } from "./refusal.ts";

const MISSING = "timestamp is missing. Send the Unix time in whole seconds";
const NEGATIVE = "timestamp is negative. Send the Unix time in whole seconds";
const UNIT = (unit: string): string => `timestamp is in ${unit}. Send whole seconds and sign those`;
const DIGITS = "timestamp has N digits. Unix time in whole seconds has at most 10";
const sentences = [MISSING, NEGATIVE, ...["milliseconds", "microseconds", "nanoseconds"].map(UNIT), DIGITS];

describe("readTimestamp", () => {
  test.for([0n, 1n, 1620045991n, 9999999999n])("takes %s", (timestamp) => {
    expect(readTimestamp(timestamp)).toBe(Number(timestamp));
  });

  test.for([
    { mistake: "absent", timestamp: undefined, message: MISSING },
    { mistake: "negative", timestamp: -1n, message: NEGATIVE },
    { mistake: "the least int64", timestamp: -(2n ** 63n), message: NEGATIVE },
    { mistake: "milliseconds", timestamp: 1620045991000n, message: UNIT("milliseconds") },
    { mistake: "microseconds", timestamp: 1620045991000000n, message: UNIT("microseconds") },
    { mistake: "nanoseconds", timestamp: 1620045991000000000n, message: UNIT("nanoseconds") },
    { mistake: "one over the largest", timestamp: 10000000000n, message: DIGITS.replace("N", "11") },
    { mistake: "fourteen digits", timestamp: 16200459910000n, message: DIGITS.replace("N", "14") },
  ])("names the mistake: $mistake", ({ timestamp, message }) => {
    const refusal = refusalOf(() => readTimestamp(timestamp));
    expect(refusal.message).toBe(message);
    expect(refusal.reason).toBe("malformed");
    expect(refusal.details).toEqual({ field: "timestamp" });
  });

  test("takes every whole number of up to ten digits and refuses all others harmlessly", () => {
    const near = fc.bigInt({ min: -100n, max: 20_000_000_000n });
    const any = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(fc.oneof(near, any), (timestamp) => {
        if (timestamp >= 0n && timestamp <= 9_999_999_999n) {
          expect(BigInt(readTimestamp(timestamp))).toBe(timestamp);
          return;
        }
        const refusal = refusalOf(() => readTimestamp(timestamp));
        expectHarmless(refusal, String(timestamp), sentences);
      }),
    );
  });
});

describe("checkFresh", () => {
  const NOW = 1_764_000_000_000;
  const SKEW = 300_000;
  const behind = "timestamp is N seconds behind the server. Set the clock from server_time and sign again";
  const ahead = "timestamp is N seconds ahead of the server. Set the clock from server_time and sign again";

  test.for([
    { place: "now", timestamp: NOW / 1000 },
    { place: "exactly the skew behind", timestamp: (NOW - SKEW) / 1000 },
    { place: "exactly the skew ahead", timestamp: (NOW + SKEW) / 1000 },
  ])("takes a timestamp that is $place", ({ timestamp }) => {
    expect(() => checkFresh(timestamp, NOW, SKEW)).not.toThrow();
  });

  test.for([
    { place: "one second too far behind", timestamp: NOW / 1000 - 301, message: behind.replace("N", "301") },
    { place: "one second too far ahead", timestamp: NOW / 1000 + 301, message: ahead.replace("N", "301") },
    { place: "in 1970", timestamp: 0, message: behind.replace("N", "1764000000") },
    { place: "in the year 2286", timestamp: 9999999999, message: ahead.replace("N", "8235999999") },
  ])("refuses one that is $place, with the time to set the clock to", ({ timestamp, message }) => {
    const refusal = refusalOf(() => checkFresh(timestamp, NOW, SKEW));
    expect(refusal.message).toBe(message);
    expect(refusal.reason).toBe("clock_skew");
    expect(refusal.details).toEqual({ serverTime: 1_764_000_000 });
  });

  test("counts the milliseconds of now: one millisecond over the skew is over", () => {
    expect(() => checkFresh(NOW / 1000 - 300, NOW + 1, SKEW)).toThrow("behind the server");
    expect(() => checkFresh(NOW / 1000 + 300, NOW - 1, SKEW)).toThrow("ahead of the server");
  });

  test("tells the time in whole seconds, rounded down", () => {
    expect(refusalOf(() => checkFresh(0, NOW + 999, SKEW)).details.serverTime).toBe(1_764_000_000);
  });

  test("takes what is within the skew and nothing else, whatever the clock says", () => {
    const second = fc.integer({ min: 0, max: 9_999_999_999 });
    const skew = fc.integer({ min: 1_000, max: 1_800_000 });
    const off = fc.oneof(fc.integer({ min: -2_000_000, max: 2_000_000 }), fc.integer());
    fc.assert(
      fc.property(second, off, skew, (timestamp, offMs, skewMs) => {
        const now = timestamp * 1000 - offMs;
        if (Math.abs(offMs) <= skewMs) {
          expect(() => checkFresh(timestamp, now, skewMs)).not.toThrow();
          return;
        }
        const refusal = refusalOf(() => checkFresh(timestamp, now, skewMs));
        expectHarmless(refusal, "", [offMs > 0 ? ahead : behind]);
      }),
    );
  });
});
