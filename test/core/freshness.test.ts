// Timestamps: their form, the error for each mistake, and the skew.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkFresh, readTimestamp } from "../../src/core/login-fields.ts";
import { caughtError, expectHarmless } from "./caught-error.ts";

const MISSING = "timestamp is missing. Send the Unix time in whole seconds";
const NEGATIVE = "timestamp is negative. Send the Unix time in whole seconds";
const UNIT = (unit: string): string => `timestamp is in ${unit}. Send whole seconds and sign those`;
const DIGITS = "timestamp has N digits. Unix time in whole seconds has at most 10";
const sentences = [MISSING, NEGATIVE, ...["milliseconds", "microseconds", "nanoseconds"].map(UNIT), DIGITS];

describe("readTimestamp", () => {
  test.for([
    [undefined, MISSING],
    [-1n, NEGATIVE],
    [1620045991000n, UNIT("milliseconds")],
    [1620045991000000n, UNIT("microseconds")],
    [1620045991000000000n, UNIT("nanoseconds")],
    [10000000000n, DIGITS.replace("N", "11")],
    [16200459910000n, DIGITS.replace("N", "14")],
  ] as const)("names the mistake in %s", ([timestamp, message]) => {
    const error = caughtError(() => readTimestamp(timestamp));
    expect(error).toMatchObject({ message, reason: "malformed", details: { field: "timestamp" } });
  });

  test("accepts whole numbers of up to ten digits, and rejects everything else", () => {
    const near = fc.bigInt({ min: -100n, max: 20_000_000_000n });
    const any = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(fc.oneof(near, any), (timestamp) => {
        const read = (): number => readTimestamp(timestamp);
        if (timestamp >= 0n && timestamp <= 9_999_999_999n) expect(BigInt(read())).toBe(timestamp);
        else expectHarmless(caughtError(read), String(timestamp), sentences);
      }),
    );
  });
});

describe("checkFresh", () => {
  const NOW = 1_764_000_000_000;
  const SKEW = 300_000;
  const off = (seconds: string, where: string): string =>
    `timestamp is ${seconds} seconds ${where} the server. Set the clock from server_time and sign again`;

  test.for([
    [NOW / 1000 - 301, off("301", "behind")],
    [NOW / 1000 + 301, off("301", "ahead of")],
    [0, off("1764000000", "behind")],
    [9999999999, off("8235999999", "ahead of")],
  ] as const)("refuses %d, with the time to set the clock to, in whole seconds", ([timestamp, message]) => {
    const error = caughtError(() => checkFresh(timestamp, NOW + 99, SKEW));
    expect(error).toMatchObject({ message, reason: "clock_skew", details: { serverTime: 1_764_000_000 } });
  });

  test("accepts a timestamp within the skew, to the millisecond, and refuses every other", () => {
    const second = fc.integer({ min: 0, max: 9_999_999_999 });
    const skew = fc.integer({ min: 1_000, max: 1_800_000 });
    const edge = fc.tuple(skew, fc.constantFrom(-1, 1), fc.integer({ min: -1, max: 1 }));
    const any = fc.tuple(skew, fc.constantFrom(-1, 1), fc.integer({ min: -2_000_000, max: 2_000_000 }));
    fc.assert(
      fc.property(second, fc.oneof(edge, any), (timestamp, [skewMs, side, beyond]) => {
        const offMs = side * skewMs + beyond;
        const check = (): void => checkFresh(timestamp, timestamp * 1000 - offMs, skewMs);
        if (Math.abs(offMs) <= skewMs) expect(check).not.toThrow();
        else expectHarmless(caughtError(check), "", [off("N", offMs > 0 ? "ahead of" : "behind")]);
      }),
    );
  });
});
